"""Events: announced in a transaction, relayed by the outbox, delivered by the worker."""
