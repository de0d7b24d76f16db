"""Writes what TensorBoard reads. Needs the extra `tensorboard`, and never PyTorch."""
