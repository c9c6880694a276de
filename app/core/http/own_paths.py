"""Addresses of their own among patterns: `/books/facets` is no book, whatever the method."""

from collections.abc import Iterator, Sequence

from starlette.routing import BaseRoute, Mount, Route

from app.core.http.problems import answer_other_method


def with_own_paths(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    """The routes, in their order; after the last one of a path that a pattern would match, a refusal of other methods.

    Else `PUT /books/facets` would be `PUT /books/{book_id}`, and answer 401 or complain about the id.
    """
    paths = [route.path if isinstance(route, Route) else "" for route in routes]
    patterns = [route for route in routes if isinstance(route, Route | Mount)]
    for index, route in enumerate(routes):
        yield route
        path = paths[index]
        if not path or "{" in path or path in paths[index + 1 :]:
            continue
        if any(other.path != path and other.path_regex.match(path) for other in patterns):
            refusal = Route(path, answer_other_method, include_in_schema=False)
            # Whatever method the routes before it have left.
            refusal.methods = set()
            yield refusal
