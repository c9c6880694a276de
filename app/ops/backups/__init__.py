"""Backups: one consistent copy of database and files, encrypted, counted and checksummed; and the way back."""
