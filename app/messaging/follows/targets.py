"""What can be followed."""

from enum import StrEnum


class FollowTarget(StrEnum):
    """What somebody follows, as the path has it."""

    AUTHORS = "authors"
    SERIES = "series"
    SELLERS = "sellers"
