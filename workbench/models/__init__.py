"""The networks: plain nn.Modules that know nothing of settings and training. All return raw scores (n, outputs)."""
