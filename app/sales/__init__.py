"""Selling: stock that moves."""
