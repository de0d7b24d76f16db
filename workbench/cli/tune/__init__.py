"""Find settings instead of guessing them: learning rate, batch size, or any others.

A subcommand is a file with a function of the same name, and a word in `names.SUBCOMMANDS`.
"""
