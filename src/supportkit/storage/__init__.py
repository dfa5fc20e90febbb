"""Storage: a port of two protocols, and one SQL implementation of it. `supportkit.testing` holds its contract."""
