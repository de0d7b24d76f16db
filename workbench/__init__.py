"""workbench: tune, train and profile PyTorch models from one terminal."""

__version__ = "0.1.0"
