"""Support lines, the rules that move a ticket up, down, out to a vendor or tell somebody, and who is responsible."""
