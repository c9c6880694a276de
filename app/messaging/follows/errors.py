"""Refusals around following."""

from app.catalog.authors.errors import AuthorNotFound, no_author
from app.catalog.sellers.errors import UserNotFound
from app.catalog.series.errors import SeriesNotFound, no_series
from app.core.errors import AppError, on_constraint
from app.messaging.follows.targets import FollowTarget


class FollowNotFound(AppError):
    """The caller does not follow this."""

    status = 404
    code = "follow-not-found"
    title = "You do not follow this"


class TooManyFollows(AppError):
    """The account follows as much as it may."""

    status = 409
    code = "too-many-follows"
    title = "You follow too much"


def no_target(target: FollowTarget, target_id: int) -> AppError:
    """The refusal of an id that nothing of this sort has."""
    if target is FollowTarget.AUTHORS:
        return no_author(target_id)
    if target is FollowTarget.SERIES:
        return no_series(target_id)
    return UserNotFound(f"There is no user {target_id}.")


# Deleted in the moment in which somebody followed it.
on_constraint(
    "fk_follows_author_id_authors", AuthorNotFound, "target_id", "There is no such author any more."
)
on_constraint("fk_follows_series_id_series", SeriesNotFound, "target_id", "There is no such series any more.")
