"""Runs that other programs have logged: read while they grow, and mirrored as run directories. Each format a file."""
