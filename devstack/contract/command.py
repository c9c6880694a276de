"""`python -m devstack openapi-diff [REF]`: the document of this tree beside that of a commit or a tag."""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.dev import ROOT
from app.cli.errors import faults_reported
from devstack.contract.documents import breaches
from devstack.errors import DevStackError, remedy


def openapi_diff(
    base: Annotated[
        str, typer.Argument(help="A commit, branch or tag; the last tag where none is named.")
    ] = "",
) -> None:
    """Compare the API's document with that of an earlier release; exit code 1, and each place, where it breaks clients."""
    with faults_reported(remedy), tempfile.TemporaryDirectory() as folder:
        reference = base or _last_release()
        if not reference:
            typer.echo("No release yet: there is nothing to break.")
            return
        found = breaches(_document(_tree(reference, Path(folder))), _document(ROOT))
    for breach in found:
        typer.echo(breach)
    typer.echo(f"{len(found)} breaking changes since {reference}.")
    raise typer.Exit(1 if found else 0)


def _last_release() -> str:
    return _git("describe", "--tags", "--abbrev=0", "--match", "v*", is_needed=False).decode().strip()


def _tree(reference: str, folder: Path) -> Path:
    """The application as it was, unpacked."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", reference, "app"))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _document(tree: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "openapi.json"
        command = (sys.executable, "-m", "app.cli", "openapi", "--output", str(output))
        environment = os.environ | {"PYTHONPATH": str(tree)}
        done = subprocess.run(command, cwd=tree, env=environment, check=False, capture_output=True)  # noqa: S603 (our own program)
        if done.returncode:
            raise DevStackError(f"no document could be made of {tree}: {done.stderr.decode()[-500:]}")
        document: dict[str, Any] = json.loads(output.read_text())
        return document


def _git(*arguments: str, is_needed: bool = True) -> bytes:
    done = subprocess.run(("git", *arguments), cwd=ROOT, check=False, capture_output=True)  # noqa: S603, S607 (git as the shell finds it)
    if done.returncode and is_needed:
        raise DevStackError(f"git {arguments[0]} fails: {done.stderr.decode().strip()}")
    return done.stdout
