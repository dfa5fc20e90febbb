"""Surveys at work: who is asked is decided, invitations go out, the page takes answers. The rules are in `surveys`."""
