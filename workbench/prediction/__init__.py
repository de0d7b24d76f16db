"""Uses models that have been trained: predicts on new inputs, and evaluates on data with targets."""
