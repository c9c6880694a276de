"""Works: what the editions of one text have in common."""
