"""Scripts that load an export as its users do, each in a process of its own.

Each is started by its path with three arguments: the export; the batches, npz with keys NUMBER:NAME, or NUMBER: for a
model that takes one tensor; and where to write what the export gives, npz by number. That of a program imports neither
workbench nor, for ONNX, PyTorch: an export that needs them cannot pass.
"""
