"""The main screen, the runs screen and the dialogs."""
