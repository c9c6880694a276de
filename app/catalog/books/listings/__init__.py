"""Books below something else: an author's, a series', a category's, and the editions of a work."""
