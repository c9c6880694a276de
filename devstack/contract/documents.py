"""Two OpenAPI documents compared, operation by operation."""

import re
from collections.abc import Iterator
from typing import Any

from devstack.contract.schemas import SchemaComparison

Document = dict[str, Any]
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


def breaches(old: Document, new: Document) -> list[str]:
    """What a client made for the old document meets with the new one, each with its place; [] when nothing breaks."""
    return list(_Comparison(old, new).breaches())


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = _operations(old), _operations(new)
        self._schemas = SchemaComparison(old, new)

    def breaches(self) -> Iterator[str]:
        for key, old in self._old.items():
            place = f"{key[0].upper()} {old['path']}"
            if key not in self._new:
                yield f"{place}: is gone"
                continue
            new = self._new[key]
            if old.get("operationId") != new.get("operationId"):
                # Generated clients call their functions by it.
                yield f"{place}: was called {old.get('operationId')}, is {new.get('operationId')}"
            if _is_open(old) and not _is_open(new):
                yield f"{place}: now needs credentials"
            yield from self._parameters(place, old, new)
            yield from self._request(place, old.get("requestBody"), new.get("requestBody"))
            yield from self._answers(place, old["responses"], new["responses"])

    def _parameters(self, place: str, old: Document, new: Document) -> Iterator[str]:
        before, after = _parameters(old), _parameters(new)
        for key, parameter in before.items():
            if key not in after:
                yield f"{place} {key[0]} {key[1]}: is no longer taken"
                continue
            where = f"{place} {key[0]} {key[1]}"
            yield from self._schemas.breaches(
                where, parameter.get("schema", {}), after[key].get("schema", {}), is_request=True
            )
        for key, parameter in after.items():
            if parameter.get("required") and not before.get(key, {}).get("required"):
                yield f"{place} {key[0]} {key[1]}: is now required"

    def _request(self, place: str, old: Document | None, new: Document | None) -> Iterator[str]:
        if new and new.get("required") and not (old and old.get("required")):
            yield f"{place}: a body is now required"
        if old is not None:
            yield from self._contents(f"{place} body", old, new or {}, is_request=True)

    def _answers(self, place: str, old: Document, new: Document) -> Iterator[str]:
        for status, answer in old.items():
            if not status.startswith("2"):
                continue
            if status not in new:
                yield f"{place} {status}: is no longer answered"
                continue
            yield from self._contents(f"{place} {status}", answer, new[status], is_request=False)
            for name in answer.get("headers", {}).keys() - new[status].get("headers", {}).keys():
                yield f"{place} {status}: the header {name} is gone"

    def _contents(self, place: str, old: Document, new: Document, *, is_request: bool) -> Iterator[str]:
        after = new.get("content", {})
        for media_type, content in old.get("content", {}).items():
            if media_type not in after:
                yield f"{place}: {media_type} is {'no longer taken' if is_request else 'gone'}"
                continue
            yield from self._schemas.breaches(
                place, content.get("schema", {}), after[media_type].get("schema", {}), is_request=is_request
            )


def _operations(document: Document) -> dict[tuple[str, str], Document]:
    """Operations by method and path; what a path calls its parameters is no difference."""
    return {
        (method, re.sub(r"\{[^}]*\}", "{}", path)): {**operation, "path": path}
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    }


def _parameters(operation: Document) -> dict[tuple[str, str], Document]:
    listed = operation.get("parameters", ())
    return {(each["in"], each["name"]): each for each in listed if each["in"] != "path"}


def _is_open(operation: Document) -> bool:
    security = operation.get("security", [])
    return not security or {} in security
