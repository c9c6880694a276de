"""Refusals about series."""

from app.core.errors import AppError, on_constraint


class SeriesNotFound(AppError):
    """There is no series with this id."""

    status = 404
    code = "series-not-found"
    title = "Series not found"


class SeriesNameTaken(AppError):
    """Another series has this name, in whatever spelling."""

    status = 409
    code = "series-name-taken"
    title = "Name is taken"


class SeriesInUse(AppError):
    """A series with books cannot be deleted."""

    status = 409
    code = "series-in-use"
    title = "Series is in use"


def no_series(series_id: int) -> SeriesNotFound:
    """Refuse an id that no series has."""
    return SeriesNotFound(f"There is no series {series_id}.")


on_constraint("uq_series_key", SeriesNameTaken, "name", "A series with this name exists already.")
