"""A loop of the user's own, watched: it writes a run directory like any other."""
