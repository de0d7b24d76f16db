"""Training a preset without the app."""
