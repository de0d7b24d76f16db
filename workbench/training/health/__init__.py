"""How well the network can learn."""
