"""The run directory: the only contract between the trainer and everyone who watches. Torch-free."""
