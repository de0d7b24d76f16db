"""Callbacks that make the runs of other training loops visible here."""
