"""Bundles: several items sold as one line, at one price."""
