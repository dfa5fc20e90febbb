"""The engine composes the rules: `decide` gives events, `evolve` folds them, `effects` says what else to write."""
