"""Channels: how messages come in and go out, whatever carries them."""
