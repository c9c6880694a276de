"""The tree: its shape, its levels, moves, and two movers at once."""

import asyncio
from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from tests.catalog.categories.test_categories import CATEGORIES, change
from tests.conftest import Caller, SignUp
from tests.factories import a_category

Shape = dict[str, Any]


def shape(nodes: list[dict[str, Any]]) -> Shape:
    return {node["slug"]: shape(node["children"]) for node in nodes}


async def tree(client: httpx.AsyncClient, query: str = "") -> Shape:
    answer = await client.get(f"{CATEGORIES}{query}")
    assert answer.status_code == 200, answer.text
    return shape(answer.json()["items"])


async def chain(client: httpx.AsyncClient, caller: Caller, *names: str) -> list[dict[str, Any]]:
    """Categories each below the one before."""
    made: list[dict[str, Any]] = []
    for name in names:
        made.append(await a_category(client, caller, name, parent_id=made[-1]["id"] if made else None))
    return made


async def test_an_empty_shop_has_an_empty_tree(client: httpx.AsyncClient) -> None:
    answer = await client.get(CATEGORIES)
    assert (answer.status_code, answer.json()) == (200, {"items": []})


async def test_the_tree_is_nested_with_siblings_by_name(client: httpx.AsyncClient, moderator: Caller) -> None:
    fiction, _, _ = await chain(client, moderator, "Fiction", "fantasy", "Epic")
    await a_category(client, moderator, "Crime", parent_id=fiction["id"])
    await a_category(client, moderator, "Ärger", parent_id=fiction["id"])
    await a_category(client, moderator, "Art")
    assert await tree(client) == {"art": {}, "fiction": {"arger": {}, "crime": {}, "fantasy": {"epic": {}}}}
    nodes = (await client.get(CATEGORIES)).json()["items"]
    assert [node["slug"] for node in nodes] == ["art", "fiction"]
    assert [node["slug"] for node in nodes[1]["children"]] == ["arger", "crime", "fantasy"]
    epic = nodes[1]["children"][2]["children"][0]
    assert (epic["path"], epic["depth"]) == ("fiction/fantasy/epic", 3)
    assert epic["parent_id"] == nodes[1]["children"][2]["id"]


async def test_depth_and_parent_cut_out_a_part_of_the_tree(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    fiction, _, _, _ = await chain(client, moderator, "Fiction", "Fantasy", "Epic", "Sword")
    await a_category(client, moderator, "Fiction Magazines")
    assert await tree(client, "?depth=1") == {"fiction": {}, "fiction-magazines": {}}
    assert await tree(client, "?depth=2") == {"fiction": {"fantasy": {}}, "fiction-magazines": {}}
    assert await tree(client, "?parent=fiction") == {"fantasy": {"epic": {"sword": {}}}}
    assert await tree(client, f"?parent={fiction['id']}&depth=2") == {"fantasy": {"epic": {}}}
    assert await tree(client, "?parent=sword") == {}


@pytest.mark.parametrize("query", ["depth=0", "depth=11", "depth=x", "level=1", "parent=", "limit=5"])
async def test_bad_parameters_are_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{CATEGORIES}?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


async def test_a_move_takes_everything_below_along(client: httpx.AsyncClient, moderator: Caller) -> None:
    _, fantasy, epic = await chain(client, moderator, "Fiction", "Fantasy", "Epic")
    games = await a_category(client, moderator, "Games")
    answer = await change(client, moderator, fantasy, parent_id=games["id"])
    assert (answer.status_code, answer.json()["path"]) == (200, "games/fantasy")
    moved = (await client.get(f"{CATEGORIES}/epic")).json()
    assert (moved["path"], moved["version"]) == ("games/fantasy/epic", epic["version"] + 1)
    assert [one["slug"] for one in moved["ancestors"]] == ["games", "fantasy"]
    answer = await change(client, moderator, fantasy, parent_id=None, slug="fancy")
    assert answer.json()["path"] == "fancy"
    assert (await client.get(f"{CATEGORIES}/epic")).json()["path"] == "fancy/epic"
    assert await tree(client) == {"fancy": {"epic": {}}, "fiction": {}, "games": {}}


async def test_only_descendants_move_along_not_those_with_a_similar_slug(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    art, _ = await chain(client, moderator, "Art", "Painting")
    await chain(client, moderator, "Art History", "Baroque")
    assert (await change(client, moderator, art, slug="arts")).status_code == 200
    assert (await client.get(f"{CATEGORIES}/painting")).json()["path"] == "arts/painting"
    assert (await client.get(f"{CATEGORIES}/baroque")).json()["path"] == "art-history/baroque"


async def test_a_category_cannot_stand_below_itself(client: httpx.AsyncClient, moderator: Caller) -> None:
    fiction, fantasy, epic = await chain(client, moderator, "Fiction", "Fantasy", "Epic")
    for parent in (fiction, fantasy, epic):
        for answer in (
            await change(client, moderator, fiction, parent_id=parent["id"], slug="other"),
            await client.put(
                f"{CATEGORIES}/fiction",
                json={"name": "Fiction", "parent_id": parent["id"]},
                headers=moderator.headers,
            ),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "category-cycle")
    assert await tree(client) == {"fiction": {"fantasy": {"epic": {}}}}


async def test_the_tree_has_ten_levels_and_no_more(client: httpx.AsyncClient, moderator: Caller) -> None:
    levels = await chain(client, moderator, *(f"Level {number}" for number in range(1, 11)))
    assert levels[-1]["depth"] == 10
    body = {"name": "Too deep", "parent_id": levels[-1]["id"]}
    answer = await client.post(CATEGORIES, json=body, headers=moderator.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "category-too-deep")
    top, _ = await chain(client, moderator, "Top", "Bottom")
    answer = await change(client, moderator, top, parent_id=levels[8]["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "category-too-deep")
    answer = await change(client, moderator, top, parent_id=levels[7]["id"])
    assert (answer.status_code, answer.json()["depth"]) == (200, 9)


async def test_of_two_moves_that_would_make_a_circle_one_is_refused(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    client, editor = live_client, await live_sign_up(Role.MODERATOR)
    for number in range(5):
        one, other = (
            await a_category(client, editor, f"One {number}"),
            await a_category(client, editor, f"Other {number}"),
        )
        answers = await asyncio.gather(
            change(client, editor, one, parent_id=other["id"]),
            change(client, editor, other, parent_id=one["id"]),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert {"category-cycle"} == {answer.json().get("code") for answer in answers} - {None}


async def test_children_made_while_their_parent_moves_get_its_new_path(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    client, editor = live_client, await live_sign_up(Role.MODERATOR)
    parent, target = await a_category(client, editor, "Parent"), await a_category(client, editor, "Target")
    await asyncio.gather(
        *(a_category(client, editor, f"Child {number}", parent_id=parent["id"]) for number in range(6)),
        change(client, editor, parent, parent_id=target["id"]),
        *(a_category(client, editor, f"Late {number}", parent_id=parent["id"]) for number in range(6)),
    )
    children = (await client.get(f"{CATEGORIES}/parent")).json()["children"]
    assert len(children) == 12
    assert {child["path"].rpartition("/")[0] for child in children} == {"target/parent"}


async def test_of_twenty_clients_that_want_one_slug_one_gets_it(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    client, editor = live_client, await live_sign_up(Role.MODERATOR)
    answers = await asyncio.gather(
        *(client.post(CATEGORIES, json={"name": "Wanted"}, headers=editor.headers) for _ in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 19]


async def test_the_tree_shows_every_change_at_once(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    client, editor = live_client, await live_sign_up(Role.MODERATOR)
    assert await tree(client) == {}
    fiction, fantasy = await chain(client, editor, "Fiction", "Fantasy")
    assert await tree(client) == {"fiction": {"fantasy": {}}}
    assert (await client.get(f"{CATEGORIES}/fiction")).json()["children"][0]["slug"] == "fantasy"
    await change(client, editor, fantasy, parent_id=None)
    assert await tree(client) == {"fantasy": {}, "fiction": {}}
    assert (await client.get(f"{CATEGORIES}/fiction")).json()["children"] == []
    await client.delete(f"{CATEGORIES}/{fiction['id']}", headers=editor.headers)
    assert await tree(client) == {"fantasy": {}}
