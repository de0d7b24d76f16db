"""Readings of the GPUs and the host. Free of torch: who watches a run needs none."""
