"""Controllers: what can be done from the main screen. They know the screen only as a Host."""
