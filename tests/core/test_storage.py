"""The store of files: a folder of this machine, and a bucket behind a server that speaks S3."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.db.faults import Fault
from app.core.settings.groups import StorageSettings
from app.core.storage.storage import FileMissing, Storage, StorageAway, StorageHolder, make_storage

from .bucket import open_bucket

MIB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a shop's files"


@pytest.fixture
def storage(folder: Path) -> Storage:
    return make_storage(StorageSettings(url=folder.as_uri()))


def settings_of(endpoint: str) -> StorageSettings:
    return StorageSettings(
        url="s3://shop/files",
        endpoint=endpoint,
        region="eu-west-1",
        access_key="key",
        secret_key=SecretStr("secret"),
        timeout=2,
    )


async def chunks_of(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_is_put_is_read_listed_and_deleted(storage: Storage, folder: Path) -> None:
    await storage.put("covers/one.webp", b"first")
    await storage.put("covers/one.webp", b"second")
    await storage.put("imports/two.csv", b"other")
    assert (folder / "covers/one.webp").read_bytes() == b"second"
    assert await storage.read("covers/one.webp") == b"second"
    listed = [file async for file in storage.list("covers")]
    assert [(file.name, file.size) for file in listed] == [("covers/one.webp", 6)]
    assert await storage.find("covers/one.webp") == listed[0]
    await storage.delete(["covers/one.webp", "covers/never-was.webp"])
    assert await storage.find("covers/one.webp") is None


async def test_a_missing_file_is_missing_in_every_way_of_asking(storage: Storage) -> None:
    with pytest.raises(FileMissing):
        await storage.read("no/such")
    with pytest.raises(FileMissing):
        await anext(aiter(storage.stream("no/such")))
    with pytest.raises(FileMissing):
        async with storage.local_file("no/such"):
            pass
    assert [file async for file in storage.list("no")] == []


async def test_a_long_file_goes_in_and_out_in_chunks(storage: Storage, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096 * 12
    parts = [content[start : start + MIB] for start in range(0, len(content), MIB)]
    await storage.put_stream("imports/streamed", chunks_of(*parts))
    source = tmp_path / "source"
    source.write_bytes(content)
    await storage.put_file("imports/copied", source)
    for name in ("imports/streamed", "imports/copied"):
        assert b"".join([chunk async for chunk in storage.stream(name)]) == content
        async with storage.local_file(name) as path:
            assert path.read_bytes() == content


async def test_a_stream_that_breaks_leaves_no_file(storage: Storage, folder: Path) -> None:
    class Torn(Exception):
        pass

    async def torn() -> AsyncIterator[bytes]:
        yield b"x" * 6 * MIB
        raise Torn

    with pytest.raises(Torn):
        await storage.put_stream("imports/torn", torn())
    assert [file async for file in storage.list("imports")] == []
    assert files_below(folder) == []


async def test_a_store_that_cannot_write_is_away(folder: Path) -> None:
    storage = make_storage(StorageSettings(url=folder.as_uri()))
    (folder / "covers").write_text("a file where a folder should be")
    with pytest.raises(StorageAway) as fault:
        await storage.put("covers/one.webp", b"content")
    assert Fault.of(fault.value) is Fault.UNAVAILABLE


async def test_a_bucket_serves_as_a_folder_does() -> None:
    with open_bucket() as bucket:
        storage = make_storage(settings_of(bucket.address))
        await storage.put("covers/one.webp", b"content")
        assert bucket.files == {"/shop/files/covers/one.webp": b"content"}
        assert await storage.read("covers/one.webp") == b"content"
        listed = [file async for file in storage.list("covers")]
        assert [(file.name, file.size) for file in listed] == [("covers/one.webp", 7)]
        assert await storage.find("covers/one.webp") == listed[0]
        await storage.put_stream("imports/long", chunks_of(*[b"x" * MIB] * 12))
        async with storage.local_file("imports/long") as copy:
            assert copy.read_bytes() == b"x" * MIB * 12
        assert not copy.exists()
        assert len(bucket.parts) == 3
        await storage.delete(["covers/one.webp", "covers/never-was.webp"])
        with pytest.raises(FileMissing):
            await storage.read("covers/one.webp")
        assert bucket.are_signed == {True}
        bucket.is_broken = True
        with pytest.raises(StorageAway):
            await storage.put("covers/two.webp", b"content")


async def test_a_bucket_that_nobody_serves_is_away() -> None:
    storage = make_storage(settings_of("http://127.0.0.1:9"))
    with pytest.raises(StorageAway):
        await storage.read("covers/one.webp")


def test_the_store_is_opened_on_its_first_use(folder: Path) -> None:
    holder = StorageHolder(StorageSettings(url=folder.as_uri()))
    assert not folder.exists()
    assert holder.opened is holder.opened
    assert folder.exists()


@pytest.mark.parametrize("url", ["ftp://shop/files", "file://relative", "/srv/files"])
def test_a_place_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        StorageSettings(url=url)
