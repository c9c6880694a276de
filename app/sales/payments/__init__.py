"""Payments: a port with two providers behind it, and one function that settles what they say."""
