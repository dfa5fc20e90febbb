"""A support desk as a library: tickets, promises, channels, surveys and numbers that can be defended."""
