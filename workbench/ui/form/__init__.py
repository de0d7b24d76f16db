"""The settings as a form: the values, their faults, and how keys step them. Imports no Textual."""
