"""The demo catalogue of real books and the demo accounts."""
