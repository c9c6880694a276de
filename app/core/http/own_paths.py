"""Addresses of their own among patterns: `/books/facets` is no book, and `/books/isbn/cover` no cover, whatever the method."""

from collections.abc import Iterator, Sequence

from starlette.routing import BaseRoute, Route

from app.core.http.problems import answer_other_method


def with_own_paths(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    """The routes, in their order; after the last one of a path that another pattern matches too, a refusal of other methods.

    Else `PUT /books/facets` would be `PUT /books/{book_id}`, and answer 401 or complain about the id.
    """
    paths = [route.path if isinstance(route, Route) else "" for route in routes]
    for index, route in enumerate(routes):
        yield route
        path = paths[index]
        if path and path not in paths[index + 1 :] and any(_gives_way(other, path) for other in paths):
            refusal = Route(path, answer_other_method, include_in_schema=False)
            # Whatever method the routes before it have left.
            refusal.methods = set()
            yield refusal


def _gives_way(pattern: str, path: str) -> bool:
    """Whether they share addresses, and where they first differ the path has a word and the pattern a parameter."""
    theirs, ours = pattern.split("/"), path.split("/")
    if len(theirs) != len(ours):
        return False
    pairs = [(one, other) for one, other in zip(theirs, ours, strict=True) if one != other]
    share = all("{" in one or "{" in other for one, other in pairs)
    differing = [(one, other) for one, other in pairs if not ("{" in one and "{" in other)]
    return share and bool(differing) and "{" in differing[0][0]
