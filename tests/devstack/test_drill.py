"""What `make restore-drill` says before it starts."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.ops.backups.age import new_key
from devstack.__main__ import cli


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"BACKUP_KEY": new_key()[1]}, "There is no whole backup at BACKUP_URL."),
        ({}, "BACKUP_KEY is missing"),
        ({"BACKUP_URL": "backups"}, "BACKUP_URL: must look like"),
    ],
)
def test_a_place_that_has_no_backup_is_told_in_a_line(
    tmp_path: Path, variables: dict[str, str], complaint: str
) -> None:
    given = {"BACKUP_URL": tmp_path.as_uri(), "BACKUP_KEY": "", **variables}

    done = CliRunner().invoke(cli, ["restore-drill"], env=given)

    assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.output
    assert complaint in done.stderr
