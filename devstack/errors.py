"""The one error of the development stack: its text says what to do."""


class DevStackError(Exception):
    """A server or the supervisor cannot go on; the text is shown as it stands, without a traceback."""
