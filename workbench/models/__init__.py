"""Models: plain nn.Modules, independent of settings and training. All return raw scores (n, outputs)."""
