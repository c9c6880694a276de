"""Which representation a client asks for (RFC 9110 §12.5.1): JSON unless `Accept` prefers another of ours."""

from starlette.types import Scope

JSON = "application/json"
JSON_LD = "application/ld+json"
NDJSON = "application/x-ndjson"

_ALTERNATIVES = (JSON_LD, NDJSON)
_HINTS = (b"ld+json", b"ndjson")


def preferred_type(scope: Scope) -> str:
    """The media type that `Accept` ranks highest; JSON on a tie, and for whatever we do not speak.

    Only what is named counts: `*/*` and `application/*` mean JSON.
    """
    for name, value in scope["headers"]:
        if name == b"accept" and any(hint in value for hint in _HINTS):
            return _best(value.decode("latin-1"))
    return JSON


def _best(accept: str) -> str:
    weights = dict(_weighted(part) for part in accept.split(","))
    least = weights.get(JSON, 0.0)
    best = max(_ALTERNATIVES, key=lambda media_type: weights.get(media_type, 0.0))
    return best if weights.get(best, 0.0) > least else JSON


def _weighted(part: str) -> tuple[str, float]:
    media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            return media_type, _weight(parameter[2:])
    return media_type, 1.0


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
