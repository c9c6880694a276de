"""Backups and restores of real databases and files, and what is tried to spoil them."""
