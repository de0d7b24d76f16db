"""What measured facts mean, and what to change: facts, policy (thresholds) and rules. Torch-free."""
