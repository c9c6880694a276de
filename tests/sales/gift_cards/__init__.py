"""Gift cards: a code shown once, a ledger that never goes below zero."""
