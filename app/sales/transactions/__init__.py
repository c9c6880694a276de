"""What was paid for an order and what went back, in one list."""
