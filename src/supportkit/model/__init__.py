"""The values that everybody shares: tickets, messages, people, commands, events, changes. Frozen, without behaviour."""
