"""The ids that every encoding of text has."""

PAD = 0
"""Fills a text up to the length of the others; models leave it out."""
UNKNOWN = 1
"""Stands for a token that the vocabulary does not have."""
