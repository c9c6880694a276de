"""How many tries a webhook gets at once, and when it gets a rest."""

BREAKER = 3
"""Failures in a row from which the whole endpoint waits, by the schedule of a delivery, and then gets one try."""
DISABLING = 10
"""Failures in a row that disable it."""
PARALLEL = 4
"""Tries at once at an endpoint that did not just fail; at any other one."""
