"""`bookstore backup`, `backups`, `restore` and `keys backup`, as they are typed."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.core.settings.settings import SettingsError, load_settings
from tests.cli.conftest import Run
from tests.conftest import JWT_SECRET, ROOT


@pytest.fixture
def key(run: Run) -> str:
    return str(run("keys", "backup").stdout)


@pytest.fixture
def place(environment: pytest.MonkeyPatch, tmp_path: Path, key: str) -> Path:
    """Where backups go; the key comes from a file, comment and all."""
    file = tmp_path / "backup.key"
    file.write_text(key)
    environment.setenv("BACKUP_KEY_FILE", str(file))
    environment.setenv("BACKUP_URL", (tmp_path / "backups").as_uri())
    environment.setenv("STORAGE_URL", (tmp_path / "files").as_uri())
    return tmp_path / "backups"


def test_a_backup_is_made_listed_proven_and_brought_back(
    environment: pytest.MonkeyPatch, run: Run, place: Path, blank_database_url: str
) -> None:
    made = run("backup")
    assert made.exit_code == 0, made.output
    # Lines of the log come before.
    name = made.stdout.splitlines()[-1].partition(":")[0]
    assert (place / name / "manifest.json").exists()

    listed = run("backups")
    assert name in listed.stdout
    checked = run("restore", "--check")
    assert (checked.exit_code, checked.stdout.split()[0]) == (0, name), checked.output

    refused = run("restore", name)
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    replaced = run("restore", name, "--force")
    assert replaced.exit_code == 0, replaced.output

    environment.setenv("DATABASE_URL", blank_database_url)
    restored = run("restore")
    assert restored.exit_code == 0, restored.output
    assert "bookstore migrate" in restored.stdout
    # The schema is there: a command that needs it works.
    created = run("create-admin", "ada", "ada@example.com", "--password-stdin", typed="Lovelace-1815!\n")
    assert created.exit_code == 0, created.output


@pytest.mark.usefixtures("place")
def test_what_cannot_be_is_told_in_a_line(environment: pytest.MonkeyPatch, run: Run) -> None:
    for arguments, word in ((("restore",), "no whole backup"), (("restore", "nonsense"), "nonsense")):
        result = run(*arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.output
        assert word in result.stderr
    environment.setenv("BACKUP_URL", "")
    for command in ("backup", "backups", "restore"):
        assert "BACKUP_URL is not set" in run(command).stderr


@pytest.mark.usefixtures("environment", "place")
def test_a_command_that_ends_at_once_after_it_asked_the_place_ends_as_it_says() -> None:
    """obstore's threads may still be on their way back then, and Python aborts when they meet its end."""
    command = (sys.executable, "-m", "app.cli", "restore")
    for _ in range(3):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 (our own program)
        assert (done.returncode, done.stderr) == (1, "bookstore: There is no whole backup at BACKUP_URL.\n")


def test_a_new_key_is_printed_as_age_does(run: Run) -> None:
    first, second = (run("keys", "backup").stdout for _ in range(2))

    assert first != second
    comment, secret = first.splitlines()
    assert comment.startswith("# public key: age1")
    assert secret.startswith("AGE-SECRET-KEY-1")


@pytest.mark.parametrize(
    ("backup", "complaint"),
    [
        ({"url": "file:///srv/backups"}, "BACKUP_KEY is missing"),
        ({"url": "file:///srv/backups", "key": "hunter2"}, "BACKUP_KEY: must be an age key"),
        ({"url": "ftp://somewhere"}, "BACKUP_URL: must look like"),
        ({"every": 0}, "BACKUP_EVERY"),
        ({"keep_daily": -1}, "BACKUP_KEEP_DAILY"),
        ({"url": "file:///srv/storage/backups"}, "outside STORAGE_URL"),
        ({"url": "file:///srv/"}, "outside STORAGE_URL"),
        ({"url": "s3://bucket/x/../backups"}, "BACKUP_URL: must name its prefix plainly"),
        ({"url": "s3://bucket/%2E%2E/backups"}, "BACKUP_URL: must name its prefix plainly"),
        ({"url": "s3://bucket//backups"}, "BACKUP_URL: must name its prefix plainly"),
    ],
)
def test_a_wrong_setting_is_named(key: str, backup: dict[str, object], complaint: str) -> None:
    given = {"key": key, **backup} if "STORAGE" in complaint else backup

    with pytest.raises(SettingsError, match=complaint):
        load_settings(jwt={"secret": JWT_SECRET}, backup=given, storage={"url": "file:///srv/storage"})


@pytest.mark.parametrize(
    ("backup", "storage"),
    [
        ("{}/x/../files", "{}/files"),
        ("{}/x/%2E%2E/files/backups", "{}/files"),
        ("{}//files", "{}/files"),
        ("{}/link", "{}/files"),
        ("{}", "{}/link/shop"),
        ("s3://bucket/shop/backups/", "s3://bucket/shop"),
        ("s3://bucket/shop%2Fbackups", "s3://bucket/shop"),
        ("s3://bucket", "s3://bucket/shop"),
        (Path(".local/storage/backups").absolute().as_uri(), ""),
    ],
)
def test_backups_do_not_lie_among_the_files_however_the_place_is_spelt(
    tmp_path: Path, key: str, backup: str, storage: str
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "files")
    places = [{"url": url.replace("{}", tmp_path.as_uri())} for url in (backup, storage)]

    with pytest.raises(SettingsError, match="outside STORAGE_URL"):
        load_settings(jwt={"secret": JWT_SECRET}, backup={"key": key, **places[0]}, storage=places[1])


@pytest.mark.parametrize(
    ("backup", "storage"),
    [
        ("file:///srv/backups", "file:///srv/back"),
        ("s3://bucket/shop-backups", "s3://bucket/shop"),
        ("s3://other/shop", "s3://bucket/shop"),
        ("s3://srv/storage", "file:///srv/storage"),
    ],
)
def test_backups_lie_beside_the_files(key: str, backup: str, storage: str) -> None:
    settings = load_settings(
        environment="development",
        jwt={"secret": JWT_SECRET},
        backup={"key": key, "url": backup},
        storage={"url": storage},
    )

    assert settings.backup.url == backup
