"""Addresses of their own among patterns: `/books/facets` is no book, and `/books/isbn/cover` no cover, whatever the method."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from starlette.routing import BaseRoute, Route

from app.core.http.problems import answer_other_method


def with_own_paths(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    """The routes, in their order; after the last one of a path that another pattern matches too, a refusal of other methods.

    Else `PUT /books/facets` would be `PUT /books/{book_id}`, and answer 401 or complain about the id.
    """
    paths = [route.path if isinstance(route, Route) else "" for route in routes]
    patterns = defaultdict(list)
    for path in paths:
        if "{" in path:
            patterns[path.count("/")].append(path.split("/"))
    for index, route in enumerate(routes):
        yield route
        path = paths[index]
        if not path or path in paths[index + 1 :]:
            continue
        parts = path.split("/")
        if any(_gives_way(pattern, parts) for pattern in patterns[path.count("/")]):
            refusal = Route(path, answer_other_method, include_in_schema=False)
            # Whatever method the routes before it have left.
            refusal.methods = set()
            yield refusal


def _gives_way(pattern: list[str], path: list[str]) -> bool:
    """Whether they share addresses, and where they first differ the path has a word and the pattern a parameter."""
    differing = [
        (theirs, ours)
        for theirs, ours in zip(pattern, path, strict=True)
        if theirs != ours and not ("{" in theirs and "{" in ours)
    ]
    if not differing or "{" not in differing[0][0]:
        return False
    return all("{" in theirs or "{" in ours for theirs, ours in differing)
