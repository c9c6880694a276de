"""Synonyms: terms that find one another, or that find other terms."""
