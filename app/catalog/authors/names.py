"""How an author's name is filed: family name first, as on a bookseller's shelf."""

import re

_PARTICLE = re.compile(
    r"(af|al|da|das|de|del|della|den|der|di|do|dos|du|el|ibn|la|las|le|les|los|st\.?|ten|ter|van|von|zu|zur)",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"(du|la|le|les|ten|ter)")
"""Stays with the family name even in lower case: *du Maurier, Daphne*."""
_SUFFIX = re.compile(r"(jr|sr|ph\.?d|m\.?d)\.?|[ivx]+", re.IGNORECASE)
_STAYS = re.compile(r"[,&]| (and|of) |[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Filed by hand, a house or a ruler, or in a script that puts the family name first."""


def sort_name(name: str) -> str:
    """`Ursula K. Le Guin` → `Le Guin, Ursula K.`; a single name, or one with a comma, stays as it is.

    A particle in capitals belongs to the family name; one in lower case follows the given
    names: `Goethe, Johann Wolfgang von`. `Jr.` and the like come last.
    """
    *words, last = name.split()
    is_suffixed = len(words) > 1 and _SUFFIX.fullmatch(last) is not None
    words, suffix = (words, [last]) if is_suffixed else ([*words, last], [])
    plain = " ".join(words).rstrip(",")
    if " " not in plain or _STAYS.search(plain):
        return " ".join([*words, *suffix])
    return ", ".join([*_turned(plain.split()), *suffix])


def _turned(words: list[str]) -> tuple[str, str]:
    start = len(words) - 1
    while start > 1 and _PARTICLE.fullmatch(words[start - 1]):
        start -= 1
    given, particles = words[:start], words[start:-1]
    family = words[-1]
    if particles and particles[0].islower() and not _ARTICLE.fullmatch(particles[0]):
        return family, " ".join([*given, *particles])
    return " ".join([*particles, family]), " ".join(given)
