"""Ways to execute a training step."""
