"""What is backed up comes back: every row, every file, and nothing of the key."""

import io
import tarfile
from functools import partial
from pathlib import Path

import pyrage
import pytest

from app.core.storage.storage import make_storage
from app.ops.backups.errors import RestoreRefused
from app.ops.checks import schema_heads
from tests.core.bucket import open_bucket

from .conftest import FILES, OpenShop, Shop, meanwhile


async def all_rows(shop: Shop) -> dict[str, str]:
    """A checksum of each table's content."""
    names = await shop.ask(
        "SELECT array_agg(relname::text) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    digest = "SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {} t"
    return {name: await shop.ask(digest.format(name)) for name in names}


async def test_rows_files_and_sequences_come_back(shop: Shop, empty_shop: Shop) -> None:
    before = await all_rows(shop)
    backup = await shop.back_up()

    await empty_shop.restore(backup)

    assert await all_rows(empty_shop) == before
    assert await empty_shop.files() == FILES
    assert backup.rows["items"] == 100
    assert backup.file_count == len(FILES)
    assert backup.schema_heads == tuple(sorted(schema_heads()))
    # The sequences go on where they were.
    await empty_shop.add_items(1)
    assert await empty_shop.ask("SELECT count(DISTINCT id) FROM items") == 101
    assert await empty_shop.ask("SELECT count(*) FROM pg_constraint WHERE NOT convalidated") == 0


async def test_a_backup_sees_one_moment_while_the_shop_goes_on_selling(shop: Shop, empty_shop: Shop) -> None:
    async with meanwhile(partial(shop.add_items, 20)):
        backups = [await shop.back_up() for _ in range(3)]

    counts = [backup.rows["items"] for backup in backups]
    assert 100 <= counts[0] < counts[-1] < await shop.ask("SELECT count(*) FROM items")
    # It ends with a comparison of every table's rows with what was counted.
    await empty_shop.restore(backups[-1])
    assert await empty_shop.ask("SELECT count(*) FROM items") == counts[-1]


async def test_the_public_key_suffices_to_back_up(
    shop: Shop, open_shop: OpenShop, empty_shop: Shop, keys: tuple[str, str]
) -> None:
    server = open_shop(shop.settings.database.url.get_secret_value(), key=keys[0])

    await empty_shop.restore(await server.back_up())

    assert await empty_shop.has_tables()


async def test_nothing_readable_is_stored_but_the_manifest(
    shop: Shop, tmp_path: Path, keys: tuple[str, str]
) -> None:
    backup = await shop.back_up()

    folder = tmp_path / "backups" / backup.name
    assert {path.name for path in folder.iterdir()} == {"database.dump.age", "files.tar.age", "manifest.json"}
    for part in (backup.database, backup.files):
        assert part is not None
        content = (folder / part.name).read_bytes()
        assert content.startswith(b"age-encryption.org/v1\n")
        assert b"PGDMP" not in content
        assert b"named at length" not in content
    assert keys[1] not in (folder / "manifest.json").read_text()


async def test_any_tar_opens_the_files(shop: Shop, tmp_path: Path, keys: tuple[str, str]) -> None:
    backup = await shop.back_up()
    sealed = tmp_path / "backups" / backup.name / "files.tar.age"
    opened = pyrage.decrypt(sealed.read_bytes(), [pyrage.x25519.Identity.from_str(keys[1])])

    with tarfile.open(fileobj=io.BytesIO(opened)) as archive:
        found = {one.name: archive.extractfile(one) for one in archive.getmembers()}

    assert {name: file and file.read() for name, file in found.items()} == FILES


async def test_what_is_there_is_replaced_only_when_that_is_said(shop: Shop, empty_shop: Shop) -> None:
    backup = await shop.back_up()
    await shop.tell("UPDATE items SET title = 'Spoilt'")
    await shop.tell("CREATE TABLE added_since (id int)")
    with pytest.raises(RestoreRefused, match="--force"):
        await shop.restore(backup)
    assert await shop.ask("SELECT count(*) FROM items WHERE title = 'Spoilt'") == 100

    await shop.restore(backup, replaces=True)

    assert await shop.ask("SELECT count(*) FROM items WHERE title = 'Spoilt'") == 0
    assert await shop.ask("SELECT to_regclass('added_since')") is None
    # What was restored can be backed up, and restored, again.
    again = await shop.back_up()
    assert again.rows | {"last_backup": 0} == backup.rows
    await empty_shop.restore(again)


async def test_files_may_be_left_out(shop: Shop, open_shop: OpenShop, blank_database_url: str) -> None:
    database = shop.settings.database.url.get_secret_value()
    backup = await open_shop(database, files=False).back_up()
    assert (backup.files, backup.file_count) == (None, 0)

    restored = open_shop(blank_database_url)
    await restored.restore(backup)

    assert await restored.files() == {}
    assert await restored.has_tables()


async def test_a_bucket_keeps_backups_as_a_folder_does(
    shop: Shop, open_shop: OpenShop, blank_database_url: str
) -> None:
    with open_bucket() as bucket:
        place = {
            "url": "s3://shop/backups",
            "endpoint": bucket.address,
            "region": "eu-west-1",
            "access_key": "key",
            "secret_key": "secret",
        }
        source = open_shop(shop.settings.database.url.get_secret_value(), **place)
        await make_storage(source.settings.storage).put("covers/one.webp", b"one")
        made = await source.back_up()
        restored = open_shop(blank_database_url, **place)

        assert await restored.backups() == [made]
        await restored.restore(made)

    assert await restored.files() == {"covers/one.webp": b"one"}
    assert bucket.are_signed == {True}
