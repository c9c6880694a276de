"""`bookstore keys …`: the file of Ed25519 keys behind JWT_KEYS_FILE, and keys for backups.

Exit codes: 0 done, 1 refused (the message says what to do), 2 wrong usage.
"""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.errors import refuse
from app.core.settings.settings import load_settings
from app.identity.signing_keys import KEPT_KEYS, generate_key_file, rotate_key_file
from app.ops.backups.age import new_key

keys_cli = typer.Typer(
    no_args_is_help=True, help="Make and rotate the keys that sign tokens (EdDSA); make keys for backups."
)
_FileArgument = Annotated[Path | None, typer.Argument(help="The key file; without, JWT_KEYS_FILE names it.")]


@keys_cli.command()
def generate(file: _FileArgument = None) -> None:
    """Write a new key file, readable by its owner alone; an existing one is never overwritten.

    Exit code 1: the file exists or cannot be written.
    """
    path = file or _configured()
    try:
        kid = generate_key_file(path)
    except FileExistsError:
        refuse(f"{path} exists already; `bookstore keys rotate` puts a new key into it.")
    except OSError as fault:
        refuse(f"cannot write {path}: {fault.strerror}.")
    typer.echo(f"{path}: key {kid}. Set JWT_KEYS_FILE={path} and restart the API: nobody is logged out.")


@keys_cli.command()
def rotate(
    file: _FileArgument = None,
    keep: Annotated[int, typer.Option(min=2, help="How many keys stay, the new one included.")] = KEPT_KEYS,
) -> None:
    """Let a new key sign; the older ones still verify. Running workers notice by themselves.

    Exit code 1: the file is missing, is no key file or cannot be written.
    """
    path = file or _configured()
    try:
        kids = rotate_key_file(path, keep)
    except OSError as fault:
        refuse(f"cannot replace {path}: {fault.strerror}.")
    typer.echo(f"{path}: key {kids[0]} signs; still accepted: {', '.join(kids[1:])}.")


@keys_cli.command()
def backup() -> None:
    """Print a new key for backups, as age-keygen does; nothing is stored.

    The server needs the public key alone, in BACKUP_KEY; keep the secret one elsewhere, for the day of a restore.
    """
    public, secret = new_key()
    typer.echo(f"# public key: {public}\n{secret}")


def _configured() -> Path:
    path = load_settings().jwt.keys_file
    if path is None:
        refuse("name the key file, or set JWT_KEYS_FILE.")
    return path
