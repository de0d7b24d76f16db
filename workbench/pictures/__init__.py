"""Draws what a data set holds and what its samples look like, as lines of text, for the command and the app.

Without PyTorch: what is drawn comes from `workbench.processes.data`.
"""
