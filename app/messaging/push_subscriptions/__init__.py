"""Browsers that somebody wants push messages in."""
