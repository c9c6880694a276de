"""Discounts: rules for staff, limits that hold."""
