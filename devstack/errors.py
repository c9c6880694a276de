"""The one error of the development stack: its text says what to do."""


class DevStackError(Exception):
    """A server or the supervisor cannot go on; the text is shown as it stands, without a traceback."""


def remedy(fault: Exception) -> str | None:
    """What a person can do about a fault of the stack or of the machine."""
    return str(fault) if isinstance(fault, DevStackError | OSError) else None
