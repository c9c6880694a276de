"""Accounts as those who sell: their public profile, and their own items as they list them."""
