"""Searches that found nothing: what readers miss, for staff to see."""
