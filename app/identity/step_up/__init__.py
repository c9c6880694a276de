"""Proving once more who one is, in a session that goes on."""
