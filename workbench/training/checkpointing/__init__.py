"""Saves the state of a run, and resumes from it."""
