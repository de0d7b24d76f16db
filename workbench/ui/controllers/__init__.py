"""Controllers: the actions of the main screen. They know the screen only as a Host."""
