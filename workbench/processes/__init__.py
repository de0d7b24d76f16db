"""Starts the processes of the trainer: their command lines, requests and answers, without PyTorch.

The code that runs inside them is in `workbench.training.processes`; it returns the answers that are declared here.
"""
