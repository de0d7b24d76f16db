"""The panels of the main screen, a file each."""
