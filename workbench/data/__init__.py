"""From a data choice to samples, and from samples to train, validation and test splits."""
