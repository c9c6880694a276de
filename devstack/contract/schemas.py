"""Two schemas compared: what a request may no longer say, and what an answer no longer says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

Schema = dict[str, Any]

_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LEAST = {"minimum": -inf, "exclusiveMinimum": -inf, "minLength": 0, "minItems": 0, "minProperties": 0}
_SHAPES = ("pattern", "format", "multipleOf", "uniqueItems")


@dataclass(slots=True)
class SchemaComparison:
    """Goes through schemas of two documents at once, in the direction of a request or of an answer."""

    old: Schema
    new: Schema
    _seen: set[tuple[int, int, bool]] = field(default_factory=set)

    def breaches(self, place: str, old: Schema, new: Schema, *, is_request: bool) -> Iterator[str]:
        """What breaks clients, each with its place. A pair of schemas is told once."""
        before, after = _options(self.old, old), _options(self.new, new)
        if len(before) == len(after) == 1:
            yield from self._one(place, *before.values(), *after.values(), is_request=is_request)
            return
        for key in before.keys() & after.keys():
            yield from self._one(place, before[key], after[key], is_request=is_request)
        for key in sorted(before.keys() - after.keys()) if is_request else ():
            yield f"{place}: {key} is no longer taken"
        for key in () if is_request else sorted(after.keys() - before.keys()):
            yield f"{place}: may now be {key}"

    def _one(self, place: str, old: Schema, new: Schema, *, is_request: bool) -> Iterator[str]:
        pair = (id(old), id(new), is_request)
        if pair in self._seen:
            return
        self._seen.add(pair)
        yield from _types(place, old, new, is_request=is_request)
        if is_request:
            yield from _narrowed(place, old, new)
        yield from self._properties(place, old, new, is_request=is_request)
        for key in ("items", "additionalProperties"):
            if isinstance(old.get(key), dict) and isinstance(new.get(key), dict):
                yield from self.breaches(f"{place}[]", old[key], new[key], is_request=is_request)

    def _properties(self, place: str, old: Schema, new: Schema, *, is_request: bool) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            if name in after:
                yield from self.breaches(f"{place}.{name}", schema, after[name], is_request=is_request)
            else:
                yield f"{place}.{name}: {'is no longer taken' if is_request else 'is gone'}"
        was, is_now = set(old.get("required", ())), set(new.get("required", ()))
        if is_request:
            yield from (f"{place}.{name}: is now required" for name in sorted(is_now - was))
        else:
            yield from (
                f"{place}.{name}: may now be absent" for name in sorted((was - is_now) & after.keys())
            )


def _options(document: Schema, schema: Schema) -> dict[str, Schema]:
    """What a schema allows, by a name that both documents have: of a reference its own, else the type."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = document["components"]["schemas"][name]
        inside = _options(document, target)
        return inside if len(inside) > 1 else {name: next(iter(inside.values()))}
    found: dict[str, Schema] = {}
    for option in schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf") or ():
        found |= _options(document, option)
    if found:
        return found
    constant = f" {schema['const']!r}" if "const" in schema else ""
    name = schema.get("title") if schema.get("type") == "object" else None
    return {name or f"{_type(schema)}{constant}": schema}


def _type(schema: Schema) -> str:
    kinds = _kinds(schema)
    return " or ".join(sorted(kinds)) if kinds else "anything"


def _kinds(schema: Schema) -> set[str]:
    said = schema.get("type", [])
    return {said} if isinstance(said, str) else set(said)


def _types(place: str, old: Schema, new: Schema, *, is_request: bool) -> Iterator[str]:
    given, taken = (old, new) if is_request else (new, old)
    wanted = _kinds(taken) | ({"integer"} if "number" in _kinds(taken) else set())
    # No type means any: it holds everything, and only what is as wide holds it.
    if wanted and not (_kinds(given) and _kinds(given) <= wanted):
        yield f"{place}: was {_type(old)}, is {_type(new)}"


def _narrowed(place: str, old: Schema, new: Schema) -> Iterator[str]:
    was, is_now = _values(old), _values(new)
    if is_now is not None and was is None:
        yield f"{place}: takes only {', '.join(sorted(is_now))}"
    elif is_now is not None and was is not None and was - is_now:
        yield f"{place}: no longer takes {', '.join(sorted(was - is_now))}"
    for key in _MOST:
        if key in new and new[key] < old.get(key, inf):
            yield f"{place}: {key} was {old.get(key, 'unlimited')}, is {new[key]}"
    for key, unlimited in _LEAST.items():
        if key in new and new[key] > old.get(key, unlimited):
            yield f"{place}: {key} was {old.get(key, 'unlimited')}, is {new[key]}"
    for key in _SHAPES:
        if key in new and new[key] != old.get(key):
            yield f"{place}: {key} was {old.get(key, 'any')}, is {new[key]}"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{place}: unknown fields are now refused"


def _values(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {repr(schema["const"])}
    return {repr(value) for value in schema["enum"]} if "enum" in schema else None
