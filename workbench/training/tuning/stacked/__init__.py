"""Candidates that differ only in numbers, trained together: their weights are stacked, [candidates, ...]."""
