"""The settings as a form: what is chosen, what is wrong with it, and how a value is stepped. Free of Textual."""
