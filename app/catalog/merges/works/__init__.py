"""Merging two works into one."""
