"""User accounts: registration and the own profile."""
