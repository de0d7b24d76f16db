"""Looking into some steps on request."""
