"""What a person can do about the faults that commands meet: wrong settings, servers away, broken rules."""

from pydantic import ValidationError

from app.core.db.faults import Fault, postgres_cause, sql_state
from app.core.errors import AppError
from app.core.redis import explain_fault
from app.core.settings.settings import SettingsError
from app.core.storage.storage import StorageAway
from app.demo.loader import DemoRefused
from app.ops.backups.errors import BackupError

NO_SCHEMA = "the database at DATABASE_URL lacks the schema of this release: run `bookstore migrate` first."
_UNDEFINED = frozenset({"42P01", "42703"})
"""SQLSTATEs of a table or a column that is not there: never migrated, or not to this release."""
_LOCK_NOT_FREE = "55P03"
_NOT_LET_IN = ("28", "3D")
"""Classes of SQLSTATE: no such login, wrong password, no such database."""


def remedy(fault: Exception) -> str | None:
    """Find the line that says what to set or to do; None for a bug."""
    if isinstance(fault, SettingsError | DemoRefused | BackupError | StorageAway):
        return str(fault)
    if isinstance(fault, AppError):
        return fault.detail
    if isinstance(fault, ValidationError):
        lines = (f"{each['loc'][0]}: {each['msg'].removeprefix('Value error, ')}" for each in fault.errors())
        return "\n".join(lines)
    if isinstance(fault, OSError) and fault.filename is not None:
        return f"{fault.filename}: {fault.strerror}."
    if redis := explain_fault(fault):
        return f"{redis}: check REDIS_URL, and that the server runs."
    return _of_postgresql(fault)


def _of_postgresql(fault: Exception) -> str | None:
    cause, state = postgres_cause(fault), sql_state(fault)
    if state in _UNDEFINED:
        return NO_SCHEMA
    if state.startswith(_NOT_LET_IN):
        return f"PostgreSQL refuses ({cause}): check DATABASE_URL; DATABASE_OWNER_URL is what `bookstore migrate` takes where it is set."
    if state == _LOCK_NOT_FREE:
        return f"a lock was not free ({cause}): nothing of this step was done; start it again, at a quieter moment if need be."
    if Fault.of(fault).is_passing:
        return f"PostgreSQL does not answer ({cause}): check DATABASE_URL, and that the server runs."
    return None
