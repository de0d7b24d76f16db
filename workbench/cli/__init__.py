"""The command line: parse, then hand over. stdout is data, stderr is narration, exit codes are an interface.

A command is a file with a function of the same name, and a word in `names.COMMANDS`.
"""
