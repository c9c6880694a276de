"""Schemas of the OpenAPI document in a form from which generators make good clients.

What a server always sends is required and what a client may leave out has no default, which generators
take for a promise of ours; ids say that they need 64 bits; a problem's code tells its schema; every body
has a name.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from app.core.errors import AppError
from app.core.http.problems import Problem

_REF = "#/components/schemas/"
_REFS = _REF + "{model}"
_BITS_OF_JSON = 2**53
"""Bounds beyond are not exact in the numbers of many languages; `int64` says as much."""

_WRONG_FIELD = {"field": "price", "message": "Input should be greater than 0", "type": "greater_than"}

Schema = dict[str, Any]


def find_component(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """The component that is meant: by reference, as an array's item, the first of several."""
    if "$ref" in schema:
        component: Schema = schemas[str(schema["$ref"]).removeprefix(_REF)]
        return component
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return find_component(schema[several][0], schemas)
    if "items" in schema:
        return find_component(schema["items"], schemas)
    return schema


def name_components(spec: Schema) -> None:
    """Call generic models, which Pydantic calls `Page_BookOut_`, what they are called: `BookPage`.

    Where several are called the same, each keeps the long name that tells it from the others.
    """
    schemas = spec["components"]["schemas"]
    names = {
        name: schema["title"] for name, schema in schemas.items() if not name.isalnum() and "title" in schema
    }
    times = Counter(names.get(name, name) for name in schemas)
    names = {name: better for name, better in names.items() if times[better] == 1}
    spec["components"]["schemas"] = {names.get(name, name): schema for name, schema in schemas.items()}
    _rename({f"{_REF}{name}": f"{_REF}{better}" for name, better in names.items()}, spec)


def _rename(refs: Mapping[str, str], part: Any) -> None:
    if isinstance(part, dict):
        if part.get("$ref") in refs:
            part["$ref"] = refs[part["$ref"]]
        for each in part.values():
            _rename(refs, each)
    elif isinstance(part, list):
        for each in part:
            _rename(refs, each)


def pascal(words: str) -> str:
    """`stale-version` or `create_book` as the name of a type."""
    return "".join(word.capitalize() for word in words.replace("-", "_").split("_"))


def problem_schema(codes: Iterable[str]) -> Schema:
    """What a problem with one of these codes looks like: the code tells which schema it has."""
    refs = {code: f"{_REF}{pascal(code)}Problem" for code in codes}
    if len(refs) == 1:
        return {"$ref": next(iter(refs.values()))}
    return {
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "code", "mapping": refs},
    }


def add_problem_schemas(schemas: Schema, codes: Mapping[str, Any]) -> None:
    """Add a schema for each code (with its example), and the one of them all."""
    base = Problem.model_json_schema(ref_template=_REFS)
    schemas |= base.pop("$defs")
    base.pop("additionalProperties", None)
    schemas["Problem"] = base
    members = {error.code: error.members for error in _leaves(AppError)}
    for code, example in codes.items():
        own = dict(members.get(code, {}))
        needed = [*own, *(["errors"] if code == "validation" else [])]
        errors = {"type": "array", "items": {"$ref": f"{_REF}FieldError"}, "examples": [[_WRONG_FIELD]]}
        schemas[f"{pascal(code)}Problem"] = {
            "title": f"{pascal(code)}Problem",
            "type": "object",
            "description": f"{example['summary']}.",
            "properties": base["properties"]
            | {"errors": errors, **own}
            | {
                "code": {"type": "string", "const": code},
                "status": {"type": "integer", "const": example["value"]["status"]},
            },
            "required": [*base["required"], *needed],
            "examples": [example["value"]],
        }
        for name in needed:
            described = schemas[f"{pascal(code)}Problem"]["properties"][name]
            example["value"].setdefault(name, described["examples"][0])


def _leaves(base: type[AppError]) -> Iterable[type[AppError]]:
    for error in base.__subclasses__():
        if hasattr(error, "code"):
            yield error
        yield from _leaves(error)


def move_bodies_to_components(operation: Schema, schemas: Schema) -> None:
    """Give every form and every body that FastAPI or a route describes on the spot a name of its own."""
    holders = [operation.get("requestBody", {}), *operation["responses"].values()]
    for holder in holders:
        for content in holder.get("content", {}).values():
            schema = content.get("schema", {})
            ref = schema.get("$ref", "")
            if ref.startswith(f"{_REF}Body_"):
                name = f"{pascal(operation['operationId'])}Form"
                schemas[name] = {**schemas.pop(ref.removeprefix(_REF)), "title": name}
            elif "properties" in schema:
                name = schema.get("title") or f"{pascal(operation['operationId'])}Form"
                nested = schema.pop("$defs", {})
                schemas |= nested
                schemas[name] = {"title": name, **schema}
            else:
                continue
            content["schema"] = {"$ref": f"{_REF}{name}"}


def leave_nulls_out(part: Any, schemas: Schema) -> None:
    """Require no field that may be null, in whatever these answers hold: where it is, it is left out."""
    if isinstance(part, list):
        for each in part:
            leave_nulls_out(each, schemas)
    elif isinstance(part, dict):
        name = str(part.get("$ref", "")).removeprefix(_REF)
        component = schemas.get(name, {})
        if name and name != "Problem":
            leave_nulls_out(component, schemas)
        properties = part.get("properties", {})
        if "required" in part:
            part["required"] = [
                field
                for field in part["required"]
                if {"type": "null"} not in properties[field].get("anyOf", ())
            ]
        for each in part.values():
            leave_nulls_out(each, schemas)


def make_parameter_plain(parameter: Schema) -> None:
    """Say a parameter's type without null: in a query there is none, only leaving it out."""
    schema = parameter["schema"] = _tidy(_without_null(parameter["schema"]))
    _mark_id(parameter["name"], schema)
    schema.pop("title", None)
    description = schema.pop("description", None)
    if description:
        parameter.setdefault("description", description)


def tidy_components(spec: Schema) -> None:
    """Make every component plain: exact bounds, 64-bit ids, no titles of fields, no defaults that look like duties."""
    schemas = spec["components"]["schemas"]
    for name, schema in schemas.items():
        schemas[name] = _tidy(schema)
        required = schema.get("required", ())
        for field, described in schemas[name].get("properties", {}).items():
            described.pop("title", None)
            _mark_id(field, described)
            default = described.pop("default", None)
            if field not in required and default not in (None, [], {}, ""):
                text = described.get("description", "")
                described["description"] = f"{text} Default: `{json.dumps(default)}`.".strip()


def _tidy(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {
        key: part if key in {"examples", "example", "default", "const", "enum"} else _tidy(part)
        for key, part in schema.items()
    }
    tidied = _without_decimal_text(tidied)
    if tidied.get("type") == "integer":
        for bound in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
            if bound in tidied:
                tidied[bound] = int(tidied[bound])
                if abs(tidied[bound]) >= _BITS_OF_JSON:
                    tidied["format"] = "int64"
                    del tidied[bound]
    return tidied


def _without_decimal_text(schema: Schema) -> Schema:
    """Money is a number in JSON; that Pydantic would read it from a text too is no part of the contract."""
    choices = schema.get("anyOf", ())
    if {choice.get("type") for choice in choices} >= {"number", "string"}:
        left = [choice for choice in choices if choice.get("type") != "string"]
        rest = {key: part for key, part in schema.items() if key != "anyOf"}
        return {**left[0], **rest} if len(left) == 1 else {**rest, "anyOf": left}
    return schema


def _without_null(schema: Schema) -> Schema:
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    if not choices:
        return schema
    rest = {key: part for key, part in schema.items() if key != "anyOf"}
    return {**choices[0], **rest} if len(choices) == 1 else {**rest, "anyOf": choices}


def _mark_id(name: str, schema: Schema) -> None:
    """Ids are 64-bit integers, whether the model says so or just `int`; their names tell them."""
    if name == "id" or name.endswith(("_id", "_ids")):
        for part in (schema, *schema.get("anyOf", ()), schema.get("items", {})):
            if part.get("type") == "integer":
                part["format"] = "int64"
