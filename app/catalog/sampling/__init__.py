"""Samples of the books that match: counts of a million books without looking at each."""
