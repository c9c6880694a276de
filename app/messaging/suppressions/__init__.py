"""Addresses that get no mail any more, as staff and mail providers see them."""
