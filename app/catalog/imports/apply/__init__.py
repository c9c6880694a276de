"""Applies a batch of records to the catalogue by set-based SQL."""
