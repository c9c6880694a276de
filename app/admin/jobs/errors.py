"""Refusals about jobs and dead letters."""

from app.core.errors import AppError


class JobNotFound(AppError):
    """No slot of a job of this name was opened in the last 30 days."""

    status = 404
    code = "job-not-found"
    title = "Job not found"


class DeadLetterNotFound(AppError):
    """There is no dead letter with this id; perhaps somebody dealt with it meanwhile."""

    status = 404
    code = "dead-letter-not-found"
    title = "Dead letter not found"


def no_dead_letter(event_id: int) -> DeadLetterNotFound:
    """The refusal of an id that no dead letter has."""
    return DeadLetterNotFound(f"There is no dead letter {event_id}.")
