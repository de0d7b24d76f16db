"""The ways to tune: each decides what a study trains next, and what its result is."""
