"""What all sellable goods share: their rules, rows and refusals."""
