"""Names of merged authors: as many as an author may have, and no more."""

from typing import Any

import httpx

from app.identity.permissions import Role
from tests.catalog.merges.arrange import ADMIN, AUTHORS, merge, read, undo
from tests.conftest import Caller, SignUp


async def add_author(client: httpx.AsyncClient, caller: Caller, name: str, aliases: int = 0) -> int:
    body = {"name": name, "aliases": [f"{name} {number}" for number in range(aliases)]}
    answer = await client.post(AUTHORS, json=body, headers=caller.headers)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def put_back(client: httpx.AsyncClient, caller: Caller, author_id: int) -> httpx.Response:
    """PUT of what GET gave."""
    shown: dict[str, Any] = await read(client, f"{AUTHORS}/{author_id}")
    body = {name: shown[name] for name in ("name", "sort_name", "aliases")}
    return await client.put(f"{AUTHORS}/{author_id}", json=body, headers=caller.headers)


async def test_an_author_that_many_were_merged_into_may_be_put_as_it_was_read(
    client: httpx.AsyncClient, sign_up: SignUp
) -> None:
    staff = await sign_up(Role.MODERATOR)
    target = await add_author(client, staff, "Tolkien")
    for number in range(25):
        source = await add_author(client, staff, f"Tolkein {number}")
        await merge(client, staff, "author", source, target)
    answer = await put_back(client, staff, target)
    assert (answer.status_code, len(answer.json()["aliases"])) == (200, 25)


async def test_a_merge_to_more_names_than_an_author_may_have_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, sign_up: SignUp
) -> None:
    staff = await sign_up(Role.MODERATOR)
    target = await add_author(client, staff, "Tolkien", aliases=90)
    source = await add_author(client, staff, "Tolkein", aliases=10)
    before = await read(client, f"{AUTHORS}/{target}")
    path = f"{ADMIN}/authors/{source}/merge"
    refused = await client.post(path, json={"into": target}, headers=staff.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-aliases")
    assert refused.json()["detail"] == (
        f"Author {target} would have 101 aliases, and 100 is the most: take 1 off one of the two first."
    )
    assert await read(client, f"{AUTHORS}/{target}") == before
    assert (await client.get(f"{AUTHORS}/{source}")).status_code == 200
    fewer = {"aliases": [f"Tolkein {number}" for number in range(9)]}
    await client.patch(f"{AUTHORS}/{source}", json=fewer, headers=staff.headers)
    done = await merge(client, staff, "author", source, target)
    assert len((await put_back(client, staff, target)).json()["aliases"]) == 100
    assert (await undo(client, staff, done["id"])).status_code == 200
    assert (await read(client, f"{AUTHORS}/{target}"))["aliases"] == before["aliases"]


async def test_an_author_has_at_most_a_hundred_aliases(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    staff = await sign_up(Role.MODERATOR)
    await add_author(client, staff, "Tolkien", aliases=100)
    body = {"name": "Lewis", "aliases": [f"Lewis {number}" for number in range(101)]}
    answer = await client.post(AUTHORS, json=body, headers=staff.headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "aliases")
