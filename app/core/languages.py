"""The languages that people ask for by `Accept-Language`, and those that the shop can write in."""

from collections.abc import Collection

FALLBACK = "en"

_written: set[str] = {FALLBACK}
_MOST_TAGS = 20
_LONGEST_TAG = 35


def offer(languages: Collection[str]) -> None:
    """Say that the shop writes in these, as whoever owns the texts does when it is imported."""
    _written.update(languages)


def match(wanted: str | None) -> str | None:
    """The language that the shop writes which is nearest to a tag: `de` for `de-AT`."""
    tag = (wanted or "").lower()
    while tag and tag not in _written:
        tag = tag.rpartition("-")[0]
    return tag or None


def preferred(header: str | None) -> str | None:
    """The tag liked best of an `Accept-Language`, of those that the shop can answer, if it can answer one."""
    ranked: list[tuple[float, str]] = []
    for part in (header or "").split(",")[:_MOST_TAGS]:
        tag, _, weight = part.partition(";")
        tag = tag.strip()
        if (
            len(tag) <= _LONGEST_TAG
            and tag.replace("-", "").isalnum()
            and tag.isascii()
            and tag[:2].isalpha()
        ):
            ranked.append((_weight(weight), tag))
    liked = [tag for weight, tag in sorted(ranked, key=lambda one: -one[0]) if weight > 0]
    return next((tag for tag in liked if match(tag)), None)


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
