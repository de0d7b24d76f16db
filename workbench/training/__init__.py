"""The trainer: a process that trains one run and writes what happens into its run directory."""

import os

from workbench.training.threads.openmp import spin_briefly

# GNU's OpenMP reads it when PyTorch is loaded. Every process that trains imports this package first.
spin_briefly(os.environ)
