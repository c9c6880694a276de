"""The key's text and its addresses, without a server."""

import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from app.core.client_addresses import is_within, normal_address, normal_network
from app.core.http.schemas import LARGEST_ID
from app.identity.authentication.api_key_format import PresentedKey, key_hint, make_key, read_key

OWNERS = st.integers(1, LARGEST_ID)


@given(OWNERS)
def test_a_key_tells_its_owner_and_its_hash(owner_id: int) -> None:
    key = make_key(owner_id)
    assert re.fullmatch(r"bk_[0-9A-Za-z]{1,11}_[0-9A-Za-z]{49}", key)
    assert read_key(key) == PresentedKey(owner_id, hashlib.sha256(key.encode()).digest())


@given(OWNERS, st.integers(3, 50), st.sampled_from("aZ0_"))
def test_a_mistyped_key_is_noticed_by_its_checksum(owner_id: int, place: int, letter: str) -> None:
    key = make_key(owner_id)
    mistyped = key[:place] + letter + key[place + 1 :]
    assert mistyped == key or read_key(mistyped) is None


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    assert read_key(text) is None


def test_keys_differ_and_hints_give_little_away() -> None:
    keys = {make_key(7) for _ in range(1000)}
    assert len(keys) == 1000
    key = keys.pop()
    assert key_hint(key) == key[:9] + "…"


@given(st.ip_addresses())
def test_an_address_lies_in_itself_alone(address: object) -> None:
    network = normal_network(str(address))
    assert is_within(normal_address(str(address)), [network])
    assert not is_within("198.51.100.77" if str(address) != "198.51.100.77" else "::9", [network])
    assert not is_within("", [network])
