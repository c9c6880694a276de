"""Returns: what buyers send back, from the wish to the money."""
