"""What `python -m` starts, and what only such a process needs."""
