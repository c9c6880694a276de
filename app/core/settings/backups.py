"""The group of settings of backups, which are stored as files are."""

import re
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from app.core.settings.groups import StorageSettings
from app.core.settings.unset import unset_if_empty

_AGE_KEY = re.compile(r"age1[0-9a-z]{58}|AGE-SECRET-KEY-1[0-9A-Z]{58}")


class BackupSettings(StorageSettings):
    """Backups: `BACKUP_*`, off without a URL. The key is age's, public or secret; hours between two backups, and of how
    many days, weeks and months one is kept; the folder of pg_dump where it is not on the path.
    """

    key: SecretStr | None = None
    every: float = Field(default=24, ge=1, le=720)
    files: bool = True
    keep_daily: int = Field(default=7, ge=0, le=366)
    keep_weekly: int = Field(default=4, ge=0, le=520)
    keep_monthly: int = Field(default=12, ge=0, le=120)
    pg_bin: Path | None = None

    _may_be_empty = field_validator("pg_bin", mode="before")(unset_if_empty)

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None or not key.get_secret_value():
            return None
        if _AGE_KEY.fullmatch(_key_line(key)) is None:
            raise ValueError(
                "must be an age key, age1… or AGE-SECRET-KEY-1…; make one with: bookstore keys backup"
            )
        return key

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        if self.url and self.key is None:
            raise ValueError(
                "BACKUP_KEY is missing: backups are encrypted; make a key with: bookstore keys backup"
            )
        return self

    @property
    def interval(self) -> float:
        """Seconds between two backups; 0 where none are made."""
        return self.every * 3600 if self.url else 0

    @property
    def age_key(self) -> str:
        """The key; "" without one."""
        return "" if self.key is None else _key_line(self.key)


def _key_line(key: SecretStr) -> str:
    """The last line, since files of keys have comments before it."""
    return key.get_secret_value().strip().rpartition("\n")[2].strip()
