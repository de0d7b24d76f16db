"""Describes data without training on it: counts, shapes and lengths, and pictures of a few samples."""
