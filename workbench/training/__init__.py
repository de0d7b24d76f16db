"""The trainer: a process that trains one run and writes what happens into its run directory."""
