"""Operator graphs (torch.fx): traced, checked and changed."""
