"""Carts of accounts and of guests, priced anew at every read."""
