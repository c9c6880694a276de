"""Goods in figures: what sells, what lies there, what comes back."""
