"""Which representation a client asks for (RFC 9110 §12.5): JSON unless `Accept` prefers another of ours."""

import re

from starlette.types import Scope

JSON = "application/json"
JSON_LD = "application/ld+json"
NDJSON = "application/x-ndjson"
HTML = "text/html"

_ALTERNATIVES = (JSON_LD, NDJSON)
_HINT = re.compile(rb"ld\+json|ndjson", re.IGNORECASE)


def preferred_type(scope: Scope) -> str:
    """The media type that `Accept` ranks highest; JSON on a tie, and for whatever we do not speak.

    A wildcard means JSON where that is not named, and on a tie gives way to what is.
    """
    for name, value in scope["headers"]:
        if name == b"accept" and _HINT.search(value):
            return _best(_weights(scope, b"accept"))
    return JSON


def prefers_html(scope: Scope) -> bool:
    """Whether a person asks: `Accept` names HTML, and ranks it above JSON."""
    weights = _weights(scope, b"accept")
    return weights.get(HTML, 0.0) > weights.get(JSON, 0.0)


def takes_gzip(scope: Scope) -> bool:
    """Whether `Accept-Encoding` has it, with a weight above 0."""
    return _weights(scope, b"accept-encoding").get("gzip", 0.0) > 0


def _weights(scope: Scope, header: bytes) -> dict[str, float]:
    lines = (value for name, value in scope["headers"] if name == header)
    return dict(_weighted(part) for part in b",".join(lines).decode("latin-1").split(","))


def _best(weights: dict[str, float]) -> str:
    best = max(_ALTERNATIVES, key=lambda media_type: weights.get(media_type, 0.0))
    weight = weights.get(best, 0.0)
    if JSON in weights:
        return best if weight > weights[JSON] else JSON
    wildcard = weights.get("application/*", weights.get("*/*", 0.0))
    return best if weight and weight >= wildcard else JSON


def _weighted(part: str) -> tuple[str, float]:
    media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return media_type, min(1.0, max(0.0, float(parameter[2:])))
            except ValueError:
                return media_type, 0.0
    return media_type, 1.0
