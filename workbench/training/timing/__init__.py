"""How long the phases of a step take, and what a run's other time is spent on."""
