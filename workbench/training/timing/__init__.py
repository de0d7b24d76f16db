"""What a step's phases take."""
