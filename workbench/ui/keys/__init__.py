"""Keys: the table of all bindings, and their order."""
