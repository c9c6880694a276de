"""Who the servers run as, and where that user can read and write."""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import DevStackError

# sun_path holds 108 bytes with its NUL; ".s.PGSQL.5432" is the longest name we put behind the folder.
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")
_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp is safe there
_TEMPORARY = "bookstore-test-"
_OWNER = "owner"
_ROOM = 4 << 30
"""Bytes that must be free there: containers often have 64 MiB."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user to run a server as; without a uid it is whoever we are."""

    uid: int | None = None
    gid: int | None = None

    def can_enter(self, folder: Path) -> bool:
        """Asked of the kernel rather than read from mode bits: ACLs, mounts and parents all count."""
        if self.uid is None:
            return os.access(folder, os.X_OK)
        probe = ("/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder))
        done = subprocess.run(  # noqa: S603 - a fixed script, the folder is its argument
            probe,
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            stderr=subprocess.DEVNULL,
            check=False,
            start_new_session=True,
        )
        return done.returncode == 0

    def folder(self, path: Path) -> Path:
        """A folder that only this account (and root) can use."""
        path.mkdir(parents=True, exist_ok=True)
        if self.uid is not None:
            os.chown(path, self.uid, self.gid if self.gid is not None else -1)
        path.chmod(0o700)
        return path


def account_for(data: Path | None = None) -> Account:
    """PostgreSQL refuses to run as root: root runs it as the owner of the data, or as `nobody` at first."""
    if os.geteuid() != 0:
        return Account()
    if data and data.exists():
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise DevStackError(
            "There is no user `nobody`: run as a normal user, or set DATABASE_URL."
        ) from error
    return Account(nobody.pw_uid, nobody.pw_gid)


def passage(path: Path) -> Path:
    """A folder of ours that others may pass through but not list, so that a dropped user reaches its own."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o711)
    return path


def server_home(home: Path, account: Account) -> Path:
    """`home` itself, or, where the account cannot get there, a folder of our own in /var/tmp.

    `home` then links to it. A copied checkout gets a folder of its own, and so does a new one in the same place.
    """
    if not home.is_symlink() and account.can_enter(passage(home.parent)):
        return passage(home)
    away = _keyed_folder(Path("/var/tmp"), home)  # noqa: S108 - must outlive a reboot; ownership is checked
    if home.exists() and not home.is_symlink():
        raise DevStackError(f"{home} is out of reach of the user PostgreSQL runs as; run as its owner.")
    home.unlink(missing_ok=True)
    home.symlink_to(away)
    return passage(away)


def temporary_home(account: Account, *, in_memory: bool = False) -> Path:
    """A new folder for throw-away servers, where the account can enter and a socket path is short enough.

    `in_memory`: where there is room for it and TMPDIR names no other place. What processes that were killed left in
    such folders goes at this moment.
    """
    bases = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - mkdtemp is safe there
    if in_memory and "TMPDIR" not in os.environ and _has_room(_MEMORY):
        bases.insert(0, _MEMORY)
    for base in bases:
        if account.can_enter(base) and len(bytes(base)) + 40 < _LONGEST_SOCKET_FOLDER:
            _sweep(base)
            home = passage(Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=base)))
            _own(home)
            return home
    raise DevStackError("No temporary folder that the servers can use: set TMPDIR to a short path.")


def _own(home: Path) -> None:
    """Mark the folder as ours until this process ends, however it ends: the kernel drops the lock with it.

    The mark appears locked, so that nobody takes a folder that is just being made for an abandoned one.
    """
    mark = home / f"{_OWNER}.new"
    descriptor = os.open(mark, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    mark.rename(home / _OWNER)


def _sweep(base: Path) -> None:
    """Remove the folders whose owner is gone; those of other users stay, and those without a mark."""
    for mark in base.glob(f"{_TEMPORARY}*/{_OWNER}"):
        try:
            with mark.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        shutil.rmtree(mark.parent, ignore_errors=True)


def _has_room(folder: Path) -> bool:
    return folder.is_dir() and shutil.disk_usage(folder).free >= _ROOM


def socket_folder(home: Path, account: Account) -> Path:
    """`home/run`, or a short private folder under /tmp when a socket's path there would be too long."""
    near = home / "run"
    if len(bytes(near)) <= _LONGEST_SOCKET_FOLDER:
        return account.folder(near)
    far = passage(_keyed_folder(Path("/tmp"), home))  # noqa: S108 - ownership is checked
    return account.folder(far / "run")


def reachable_copy(package: Path, home: Path, account: Account) -> Path:
    """The installed package's folder, or a copy of it in `home` when the account cannot read the original."""
    if account.can_enter(package):
        return package
    key = hashlib.sha256(f"{package}{package.stat().st_mtime_ns}".encode()).hexdigest()[:8]
    site = home / f"programs-{key}"
    if not site.exists():
        partial = Path(tempfile.mkdtemp(prefix="programs-", dir=home))
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(
                    folder, partial / folder.name, ignore=shutil.ignore_patterns("include", "__pycache__")
                )
        for path in (partial, *partial.rglob("*")):
            path.chmod(0o755)  # a strict umask of the installer came along with the copy
        partial.rename(site)
    return site / package.name


def _nonce(path: Path) -> bytes:
    if not path.exists():
        path.write_bytes(secrets.token_hex(16).encode())
    return path.read_bytes()


def _keyed_folder(base: Path, home: Path) -> Path:
    """Anyone may create names in `base`: the folder counts only when it is really a folder and ours."""
    key = hashlib.sha256(bytes(home) + _nonce(home.parent / "id")).hexdigest()[:12]
    path = base / f"bookstore-{os.geteuid()}-{key}"
    path.mkdir(mode=0o711, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise DevStackError(f"{path} is not a private folder of ours: remove it and start again.")
    return path
