"""What a run is saved as, and continued from."""
