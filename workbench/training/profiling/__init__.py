"""Profiles and memory snapshots of some steps, on request."""
