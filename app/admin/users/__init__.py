"""Other people's accounts."""
