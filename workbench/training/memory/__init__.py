"""What a run takes of its device: estimated, and measured."""
