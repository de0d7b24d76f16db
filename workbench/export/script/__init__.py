"""Writes one plain PyTorch file that trains as a run did, without workbench.

The rooms here write text and know no torch; `process` alone prepares the run's data, and `check` runs what was written
in a process of its own.
"""
