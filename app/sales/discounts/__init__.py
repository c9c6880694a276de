"""Discounts: the rules, and what customers have had of them."""
