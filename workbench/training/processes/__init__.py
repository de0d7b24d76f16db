"""What is started by `python -m`, and what only such a process needs."""
