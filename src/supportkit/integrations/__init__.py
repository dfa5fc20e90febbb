"""Other people's engines that call the worker. Nothing in the library imports from here; an app does, on request."""
