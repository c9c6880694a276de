"""The one normal form of what somebody logs in with, and how addresses are named where they must not be shown.

Look-up, lock, limits and uniqueness compare in it and in nothing else: NFKC, trimmed, each letter in its own
lower case. Case folding would go too far: it makes `ß` of one mailbox the `ss` of another. Nothing is ever put in
upper case, where the dotless i of Turkish (U+0131) would become the `I` of others; its dotted capital becomes an `i` with its dot, which is no
plain `i` either. Of a domain, which DNS compares, the A-label is taken: `bücher.example` is `xn--bcher-kva.example`.
"""

import hashlib
import unicodedata

import idna

_LONGEST_DOMAIN = 253


def login_key(login: str) -> str:
    """The form in which user names and e-mail addresses are compared; whatever has an `@` is an address."""
    text = unicodedata.normalize("NFKC", login).strip()
    local, at, domain = text.rpartition("@")
    return f"{_lower(local)}@{_domain_key(domain)}" if at else _lower(text)


def email_key(email: str) -> str:
    """The form in which addresses are compared: that of logins."""
    return login_key(email)


def address_digest(email: str) -> str:
    """How limits and locks name an address or a user name, so that none of it stands in Redis."""
    return hashlib.sha256(login_key(email).encode("utf-8", "replace")).hexdigest()


def _lower(text: str) -> str:
    # Letter by letter: in a whole word a capital sigma at the end would become another letter than elsewhere.
    return unicodedata.normalize("NFKC", "".join(letter.lower() for letter in text))


def _domain_key(domain: str) -> str:
    lowered = _lower(domain)
    if len(domain) > _LONGEST_DOMAIN or (domain.isascii() and "xn--" not in lowered):
        return lowered
    try:
        return idna.encode(domain, uts46=True).decode()
    except UnicodeError:
        return lowered
