"""The trainer: a process that trains one run and writes what happens into its run directory."""

import os

from workbench.training.openmp import spin_briefly

# GNU's OpenMP reads it when PyTorch is loaded. All processes that train begin with this package: here none is forgotten.
spin_briefly(os.environ)
