"""Where images come from: one file a source, each returning Slices."""
