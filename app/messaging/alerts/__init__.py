"""Alerts: one mail when an item is back in stock, one for each drop of its price."""
