"""The trainer: a process that trains one run and writes what happens into its run directory."""

import os
import sys

from workbench.training.threads.openmp import spin_briefly

# GNU's OpenMP reads it when PyTorch is loaded. Every process that trains imports this package first; one that is there
# before, in a loop of the user's own, is left as it is.
if "torch" not in sys.modules:
    spin_briefly(os.environ)
