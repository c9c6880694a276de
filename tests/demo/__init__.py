"""Tests of the demo data and of the commands around a shop."""
