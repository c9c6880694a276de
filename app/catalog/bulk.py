"""The lock between an import's batch and requests that make authors or works by name."""

BULK_LOCK = 0x62756C6B
"""An advisory lock: a batch holds it alone, whoever makes a single author or work shares it."""
