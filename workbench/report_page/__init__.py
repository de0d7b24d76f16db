"""Reports of runs as one HTML page each, and their charts as SVG: without a network, a script or PyTorch."""
