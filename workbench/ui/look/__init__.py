"""What things look like: themes, glyphs, charts."""
