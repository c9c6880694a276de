"""What can go wrong with a backup; each text says what to do."""


class BackupError(Exception):
    """The backup or the restore did not happen."""

    is_log_safe = True


class BackupsOff(BackupError):
    """No place for backups is set."""


class BackupRunning(BackupError):
    """Another one is being made, or files are being purged, which would take some from under it."""


class BackupMissing(BackupError):
    """There is no whole backup of this name."""


class BackupDamaged(BackupError):
    """A part is cut, changed or not what its manifest says."""


class WrongKey(BackupError):
    """The key is none, does not open this backup, or can only seal."""


class RestoreRefused(BackupError):
    """The database is not empty, or the backup is of a newer release."""


class ProgramFailed(BackupError):
    """A program of PostgreSQL is missing or reported an error."""
