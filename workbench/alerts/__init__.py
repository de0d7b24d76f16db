"""Alerts: what happens to a run or a study that its user wants to know of, and the ways in which it is sent."""
