"""Stock-takes: counting what is there, and putting the stock right by it."""
