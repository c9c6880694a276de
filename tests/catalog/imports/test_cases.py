"""Small files of the kinds that shops really get, taken over and taken back."""

from pathlib import Path

from .conftest import Importer

CASES = Path(__file__).parent / "cases"
ONIX_CASES = Path(__file__).parents[1] / "formats/onix/cases"
SEED = CASES / "seed-authors.csv"


async def exported(importer: Importer) -> list[bytes]:
    """The whole catalogue in the two formats that say nothing of the moment."""
    answers = [
        await importer.http.get(
            "/api/v1/admin/exports", params={"format": form}, headers=importer.caller.headers
        )
        for form in ("csv", "ndjson")
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    return [answer.content for answer in answers]


async def test_every_case_is_taken_over_and_taken_back_without_a_trace(importer: Importer) -> None:
    await importer.finish(SEED.read_bytes(), SEED.name)
    before = await exported(importer)
    jobs = []
    for file in sorted({*CASES.glob("*.csv"), *ONIX_CASES.glob("*.xml")} - {SEED}):
        job = await importer.finish(file.read_bytes(), file.name)
        assert (job["state"], job["counts"]["failed"]) == ("completed", 0), (file.name, job)
        jobs.append(job)
    assert await exported(importer) != before

    for job in reversed(jobs):
        answer = await importer.act(job["id"], "revert")
        assert answer.status_code == 202, (job["filename"], answer.text)
        await importer.run()
        assert (await importer.job(job["id"]))["revert"]["left"] == 0

    assert await exported(importer) == before


async def test_a_reading_tracker_exports_its_authors_twice(importer: Importer) -> None:
    await importer.finish(SEED.read_bytes(), SEED.name)
    job = await importer.finish((CASES / "two-author-columns.csv").read_bytes(), "library.csv")
    assert (job["state"], job["counts"]["updated"]) == ("completed", 1)
    book = await importer.book("9791236000018")
    assert (book["author"], book["tags"], book["format"]) == ("Ann Writer", ["signed"], "hardcover")


async def test_numbers_within_series_prices_and_columns_arrive(importer: Importer) -> None:
    for name in ("prices-with-signs.csv", "numbered-columns.csv", "series-with-numbers.csv"):
        await importer.finish((CASES / name).read_bytes(), name)
    books = {book["title"]: book for book in await importer.books()}
    assert [books[one]["price"] for one in ("With its sign", "With groups", "In doubt")] == [12.5, 1250, None]
    two, one = books["Two columns"], books["One of two"]
    assert [person["name"] for person in two["contributors"]] == ["Ann Writer", "Reader, Bob"]
    assert (two["tags"], one["tags"]) == (["cosy", "crime"], ["cosy", "paris, france"])
    volumes = [books[title] for title in ("First", "Second", "Third")]
    assert len({book["series_id"] for book in volumes}) == 1
    assert [book["series_position"] for book in volumes] == ["1", "II", "3"]
    assert [book["published_on"] for book in volumes] == ["2019-03-05", "1998-05", None]
