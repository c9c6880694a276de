"""What buyers and staff write to each other about an order."""
