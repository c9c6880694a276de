"""What identity forgets, and when."""
