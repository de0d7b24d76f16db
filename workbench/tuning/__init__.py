"""Tuning: many trainings under one question, and what can be concluded from them. Knows no torch."""
