"""What the charts of the app and those of reports share: ranges and ticks, points of curves, colours."""
