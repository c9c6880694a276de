"""The newsletter: who gets it, by double opt-in, and leaving it by one click."""
