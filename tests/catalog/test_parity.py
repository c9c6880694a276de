"""One rule, two doors: the same change through PATCH and through an import makes the same book.

Two shops are arranged alike, each with a book per kind of change. In one every change is sent as a
request of its own, in the other all of them are the lines of one file. Then the books are compared whole,
ids and all: even what is created on the way is created alike.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import orjson
import pytest

from app.core.clock import utc_now
from app.identity.permissions import Role
from devstack import Servers
from tests.catalog.imports.conftest import Importer, isbn_of, make_importer
from tests.catalog.merges.arrange import merge
from tests.conftest import DatabaseMaker, client_of, make_account, running_app, settings_for

BOOKS = "/api/v1/books"
FULL: dict[str, Any] = {
    "subtitle": "A Subtitle",
    "publisher": "A House",
    "published_on": "1937-09-21",
    "first_published": 1937,
    "language": "fr",
    "format": "paperback",
    "pages": 310,
    "series": "Les Misérables",
    "series_position": "1",
    "subjects": [{"scheme": "thema", "code": "FMB", "heading": "Epic fantasy"}],
    "tags": ["fantasy"],
    "description": "There and back again.",
    "quantity": 3,
}
"""What a book has unless a case says otherwise."""
YOUNG, OLD = {"author_id": "young"}, {"author_id": "old"}
HERBERT = {"name": "Frank Herbert"}


class Case(NamedTuple):
    """What a book is before, and the change; `row` is what a file says instead, where it says it otherwise."""

    change: dict[str, Any]
    before: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    row: dict[str, Any] | None = None


CASES = {
    "nothing": Case({}),
    "title": Case({"title": "Another Title"}),
    "title of a known work": Case({"title": "DUNE"}, {"contributors": [HERBERT]}),
    "title of a work that was merged": Case({"title": "Dune Novel"}, {"contributors": [HERBERT]}),
    "title and author of a known work": Case({"title": "Düne", "contributors": [HERBERT]}),
    "filed title": Case({"title_sort": "Somewhere Else"}),
    "no filed title": Case({"title_sort": None}, {"title_sort": "Somewhere Else"}),
    "title in other case": Case({"title": "TITLE IN OTHER CASE"}),
    "author by name": Case({"contributors": [{"name": "Frank Herbert"}]}),
    "author by name in another spelling": Case({"contributors": [{"name": "  frank   HERBERT"}]}),
    "author by initials run together": Case({"author": "JRR Tolkien; J. R. R. Martin"}),
    "author by last name first": Case({"contributors": [{"name": "Herbert, Frank"}]}),
    "author with unseen marks": Case({"author": "Frank\u200b Her\u00adbert\ufeff"}),
    "series with an article behind": Case(
        {"series": "Misérables,  Les"}, {"series": None, "series_position": None}
    ),
    "title of 500 characters": Case({"title": "x" * 500, "subtitle": "y" * 500}),
    "description of 20,000 characters": Case({"description": "word " * 3_999 + "words"}),
    "author by one line": Case({"author": "Frank Herbert; Mark Twain"}),
    "new author": Case({"contributors": [{"name": "Nobody Yet"}, {"name": "NOBODY YET", "role": "editor"}]}),
    "namesake who is credited": Case({"contributors": [{"name": "John Smith"}]}, {"contributors": [YOUNG]}),
    "namesake in another spelling": Case({"author": "JOHN SMITH"}, {"contributors": [YOUNG]}),
    "namesake in another role": Case(
        {"contributors": [{"name": "John Smith", "role": "editor"}]}, {"contributors": [YOUNG]}
    ),
    "namesakes who are both credited": Case(
        {"contributors": [{"name": "John Smith"}, HERBERT]}, {"contributors": [YOUNG, OLD]}
    ),
    "namesake who is not credited": Case({"contributors": [{"name": "John Smith"}]}),
    "alias": Case({"contributors": [{"name": "Mark Twain"}]}),
    "merged author": Case({"contributors": [{"name": "J. Tolkein"}]}),
    "same author again": Case({"contributors": [HERBERT]}, {"contributors": [HERBERT]}),
    "no author": Case({"contributors": []}, {"contributors": [HERBERT]}),
    "series": Case({"series": "Dune Chronicles"}),
    "series in another spelling": Case(
        {"series": "LES MISERABLES"}, {"series": None, "series_position": None}
    ),
    "new series": Case({"series": "A New One", "series_position": "2-3"}),
    "no series": Case({"series": None}),
    "position": Case({"series_position": "1.5"}),
    "position without a series": Case({"series_position": "2"}, {"series": None, "series_position": None}),
    "language by its terminologic code": Case({"language": "fra"}, {"language": None}),
    "language by its bibliographic code": Case({"language": "fre"}, {"language": None}),
    "language in capitals": Case({"language": "FR"}, {"language": None}),
    "language in another spelling": Case({"language": "fre"}),
    "language with a region": Case({"language": "EN-us"}),
    "stock": Case({"quantity": 8}),
    "no stock": Case({"quantity": 0}),
    "off sale": Case({"is_active": False}),
    "back on sale": Case({"is_active": True}, {"is_active": False}),
    "price": Case({"price": 7.5}),
    "price during a sale": Case({"price": 7.5}, {"sale": 6}),
    "first price": Case({"price": 7.5}, {"has_no_price": True}),
    "categories": Case({"category_ids": ["crime"]}, row={"categories": ["crime"]}),
    "categories by name": Case({"category_ids": ["crime", "fantasy"]}, row={"categories": "Fantasy; Crime"}),
    "no categories": Case({"category_ids": []}, {"category_ids": ["fantasy"]}, {"categories": []}),
    "tags": Case({"tags": ["Epic", "old", "epic"]}),
    "subjects": Case(
        {"subjects": [{"scheme": "bisac", "code": "fic009020"}, {"code": "FMB", "heading": "Fantasy"}]}
    ),
    "year": Case({"published_on": "1954"}),
    "month": Case({"published_on": "1954-07"}),
    "day": Case({"published_on": "1954-07-29"}),
    "year before our era": Case({"first_published": -800}),
    "SKU": Case({"sku": "BK-000123"}),
    "format": Case({"format": "hardcover"}),
    "text that is composed otherwise": Case({"title": "Cafe\u0301", "subtitle": "Ein\u00a0Wort"}),
    "everything": Case(
        FULL | {"title": "All New", "subtitle": "Other", "pages": 9, "series": "Dune Chronicles", "tags": []}
    ),
    "fixed price": Case({"is_price_fixed": True}),
    "no fixed price": Case({"is_price_fixed": False}, {"is_price_fixed": True}),
    "availability": Case({"supplier_availability": "reprinting", "supplier_expected_on": "2027-03"}),
    "no availability": Case(
        {"supplier_availability": None, "supplier_expected_on": None},
        {"supplier_availability": "not_yet", "supplier_expected_on": "2027"},
    ),
    "no subtitle": Case({"subtitle": None}),
    "no publisher": Case({"publisher": None}),
    "no date": Case({"published_on": None}),
    "no first year": Case({"first_published": None}),
    "no language": Case({"language": None}),
    "no format": Case({"format": None}),
    "no pages": Case({"pages": None}),
    "no description": Case({"description": None}),
    "no position": Case({"series_position": None}),
    "no SKU": Case({"sku": None}, {"sku": "BK-000124"}),
    "no tags": Case({"tags": []}),
    "no subjects": Case({"subjects": []}),
}


class Shop(NamedTuple):
    """A running application, its importer and what cases refer to by word."""

    importer: Importer
    known: dict[str, int]

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Create something; the answer."""
        answer = await self.importer.http.post(
            f"/api/v1{path}", json=body, headers=self.importer.caller.headers
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def arrange(self) -> None:
        """Authors who share names, an alias, merged ones, works, categories, and a book for each case."""
        for word, author in (
            ("old", {"name": "John Smith"}),
            ("young", {"name": "John Smith"}),
            ("clemens", {"name": "Samuel Clemens", "aliases": ["Mark Twain"]}),
            ("tolkein", {"name": "J. Tolkein"}),
            ("tolkien", {"name": "J.R.R. Tolkien"}),
        ):
            self.known[word] = (await self.post("/authors", **author))["id"]
        for slug in ("fantasy", "crime"):
            self.known[slug] = (await self.post("/categories", name=slug.title()))["id"]
        works = [
            (
                await self.post(
                    "/books", title=title, price=5, contributors=[HERBERT], series="Dune Chronicles"
                )
            )
            for title in ("Dune", "Dune Novel")
        ]
        self.known["dune"] = works[0]["work_id"]
        http, staff = self.importer.http, self.importer.caller
        await merge(http, staff, "author", self.known["tolkein"], self.known["tolkien"])
        await merge(http, staff, "work", works[1]["work_id"], works[0]["work_id"])
        for number, (name, case) in enumerate(CASES.items(), start=1):
            fields = FULL | {"contributors": [{"name": f"Author {number}"}], "price": 10} | case.before
            sale, has_no_price = fields.pop("sale", None), fields.pop("has_no_price", False)
            title = name.capitalize()
            book = await self.post("/books", title=title, isbn=isbn_of(number), **self.resolved(fields))
            self.known[name] = book["id"]
            if has_no_price:
                await self.patch(name, {"price": None})
            if sale is not None:
                ends_at = (utc_now() + timedelta(days=1)).isoformat()
                await self.post(f"/items/{book['id']}/price-schedules", price=sale, ends_at=ends_at)

    async def patch(self, case: str, change: dict[str, Any]) -> None:
        """Change the case's book."""
        path, headers = f"{BOOKS}/{self.known[case]}", self.importer.caller.headers
        answer = await self.importer.http.patch(path, json=change, headers=headers)
        assert answer.status_code == 200, (case, answer.text)

    def resolved(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields with ids in place of words."""
        resolved = dict(fields)
        if "category_ids" in fields:
            resolved["category_ids"] = [self.known[word] for word in fields["category_ids"]]
        if fields.get("contributors"):
            resolved["contributors"] = [
                {**one, "author_id": self.known[one["author_id"]]} if "author_id" in one else one
                for one in fields["contributors"]
            ]
        return resolved

    async def book(self, case: str) -> dict[str, Any]:
        """All that is shown of the case's book, but for times and the number of edits."""
        path, headers = f"{BOOKS}/{self.known[case]}", self.importer.caller.headers
        body = (await self.importer.http.get(path, headers=headers)).raise_for_status().json()
        varying = {"version", "created_at", "updated_at", "views"}
        return {name: body[name] for name in body if name not in varying}


@asynccontextmanager
async def open_shop(servers: Servers, make_database: DatabaseMaker) -> AsyncIterator[Shop]:
    with make_database() as url:
        async with running_app(settings_for(servers, url)) as app, client_of(app) as client:
            async with app.state.database.sessions.begin() as session:
                staff = await make_account(app, session, Role.MODERATOR)
            shop = Shop(make_importer(app, client, staff), {})
            await shop.arrange()
            yield shop


@pytest.fixture(scope="module")
async def patched(servers: Servers, make_database: DatabaseMaker) -> AsyncIterator[Shop]:
    """A shop in which every change was sent by PATCH."""
    async with open_shop(servers, make_database) as shop:
        for name, case in CASES.items():
            await shop.patch(name, shop.resolved(case.change))
        yield shop


@pytest.fixture(scope="module")
async def imported(servers: Servers, make_database: DatabaseMaker) -> AsyncIterator[Shop]:
    """A shop into which every change was imported, all by one file."""
    async with open_shop(servers, make_database) as shop:
        rows = []
        for number, case in enumerate(CASES.values(), start=1):
            isbn = isbn_of(number)
            printed = f"{isbn[:3]}-{isbn[3]} {isbn[4:8]}\u2010{isbn[8:12]}-{isbn[12]}"
            rows.append({"isbn": printed, **(case.change if case.row is None else case.row)})
        job = await shop.importer.finish(b"\n".join(map(orjson.dumps, rows)), "changes.ndjson")
        assert (job["state"], job["counts"]["failed"]) == ("completed", 0), await shop.importer.rows(
            job["id"], status="failed"
        )
        yield shop


@pytest.mark.parametrize("case", CASES)
async def test_an_edit_and_an_import_make_the_same_book(patched: Shop, imported: Shop, case: str) -> None:
    assert await patched.book(case) == await imported.book(case)


@pytest.mark.parametrize(
    ("case", "field", "value"),
    [
        ("title of a known work", "title", "DUNE"),
        ("language in another spelling", "language", "fr"),
        ("position without a series", "series_position", None),
        ("stock", "quantity", 8),
        ("price during a sale", "price", 7.5),
    ],
)
async def test_and_it_is_the_book_that_was_meant(
    patched: Shop, imported: Shop, case: str, field: str, value: object
) -> None:
    assert {(await shop.book(case))[field] for shop in (patched, imported)} == {value}


@pytest.mark.parametrize(
    ("case", "people"),
    [
        ("namesake who is credited", [("young", "author")]),
        ("namesake in another spelling", [("young", "author")]),
        ("namesake in another role", [("young", "editor")]),
        ("namesake who is not credited", [("old", "author")]),
        ("alias", [("clemens", "author")]),
        ("merged author", [("tolkien", "author")]),
    ],
)
async def test_and_names_mean_whom_they_meant(
    patched: Shop, imported: Shop, case: str, people: list[tuple[str, str]]
) -> None:
    for shop in (patched, imported):
        credits_ = [(one["author_id"], one["role"]) for one in (await shop.book(case))["contributors"]]
        assert credits_ == [(shop.known[word], role) for word, role in people]


async def test_a_work_of_one_edition_joins_the_work_of_its_new_title_at_both_doors(
    patched: Shop, imported: Shop
) -> None:
    for shop in (patched, imported):
        for case in (
            "title of a known work",
            "title of a work that was merged",
            "title and author of a known work",
        ):
            assert (await shop.book(case))["work_id"] == shop.known["dune"]
