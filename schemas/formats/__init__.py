"""What others write, read as native events: one file, or folder, for each format."""
