"""Merging two authors into one."""
