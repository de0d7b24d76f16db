"""Readings of the GPUs and the host. Imports no torch, which a viewer does not need."""
