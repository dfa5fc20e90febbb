"""Who should take a ticket, and which ticket comes first: pure rules, usable alone."""
