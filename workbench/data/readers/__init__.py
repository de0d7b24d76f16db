"""Readers of new inputs: they read more raw samples of the kind that a model was trained on, without targets."""
