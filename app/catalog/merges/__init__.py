"""Merging authors and works, with the way back."""
