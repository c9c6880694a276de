"""Writes a migration: the models compared with a throw-away database that has every migration so far."""

import os
import subprocess
import sys
from pathlib import Path

from app.cli.dev import ROOT, MessageArgument
from app.cli.errors import faults_reported
from devstack.errors import DevStackError, remedy
from devstack.throwaway import throwaway_servers


def revision(message: MessageArgument) -> None:
    """Write a migration from the difference between the models and the migrations so far."""
    with faults_reported(remedy), throwaway_servers() as servers:
        # Alembic formats what it wrote with the ruff beside this Python.
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        environment = os.environ | {"DATABASE_URL": servers.database_url, "PATH": programs}
        for arguments in (("upgrade", "head"), ("revision", "--autogenerate", "--message", message)):
            alembic = (sys.executable, "-m", "alembic", *arguments)
            if subprocess.run(alembic, cwd=ROOT, env=environment, check=False).returncode:  # noqa: S603 - our own program
                raise DevStackError("no migration was written; see above.")
