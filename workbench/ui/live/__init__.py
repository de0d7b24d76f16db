"""What is known of a run while the app watches it."""
