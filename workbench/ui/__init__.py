"""The terminal app. It reads run directories and writes presets and requests; it never imports torch."""
