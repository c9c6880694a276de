"""One client has one address, however the network spells it."""

import ipaddress
import itertools
import re

import pytest
from fastapi import FastAPI

from app.core.client_addresses import counted_as, in_both_spellings, normal_address, normal_network
from devstack import Servers
from tests.conftest import (
    PASSWORD,
    ROOT,
    Audit,
    Caller,
    DatabaseMaker,
    SignUp,
    client_of,
    running_app,
    settings_for,
)
from tests.gunicorn import StartGunicorn, start_gunicorn

__all__ = ["start_gunicorn"]
TOKEN = "/api/v1/auth/token"
NOBODY = {"username": "nobody", "password": "Wrong-password-1!"}
SAME_CLIENT = [
    "198.51.100.7",
    "::ffff:198.51.100.7",
    "::FFFF:c633:6407",
    "0:0:0:0:0:ffff:198.51.100.7",
    # All of a 6to4 site is the customer who has the IPv4 address.
    "2002:c633:6407::1",
    "2002:c633:6407:ffff::1",
]


@pytest.mark.parametrize(
    ("host", "normal", "counted"),
    [
        ("198.51.100.7", "198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7", "198.51.100.7"),
        ("64:ff9b::8.8.4.4", "8.8.4.4", "8.8.4.4"),
        # No translator stands for a private address: such a one is made up.
        ("64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::"),
        ("64:ff9b:1::8.8.4.4", "64:ff9b:1::808:404", "64:ff9b:1::"),
        ("2002:0808:0404::1", "2002:808:404::1", "8.8.4.4"),
        ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1", "2001:db8::"),
        ("2001:0db8::0001", "2001:db8::1", "2001:db8::"),
        ("::198.51.100.7", "::c633:6407", "::"),
        ("::1", "::1", "::"),
        ("fe80::1%eth0", "fe80::1%eth0", "fe80::"),
        ("unix:/run/api.sock", "unix:/run/api.sock", "unix:/run/api.sock"),
        ("", "", ""),
        ("x" * 70_000, "x" * 64, "x" * 64),
    ],
)
def test_an_address_has_one_spelling_and_counts_as_one(host: str, normal: str, counted: str) -> None:
    assert normal_address(host) == normal
    assert normal_address(normal) == normal
    assert counted_as(normal) == counted


def test_a_list_of_proxies_names_them_as_either_socket_does() -> None:
    both = in_both_spellings("127.0.0.1, ::1,10.0.0.0/8, ::ffff:192.0.2.1").split(",")
    assert both[:5] == ["127.0.0.1", "::ffff:7f00:1/128", "::1", "10.0.0.0/8", "::ffff:a00:0/104"]
    assert both[5:] == ["::ffff:192.0.2.1", "192.0.2.1", "::ffff:c000:201/128"]
    assert in_both_spellings("*") == "*"
    assert normal_network("::ffff:192.0.2.0/120") == "192.0.2.0/24"
    assert normal_network("64:ff9b::8.8.4.0/120") == "8.8.4.0/24"


async def test_limits_count_all_spellings_together(servers: Servers, make_database: DatabaseMaker) -> None:
    with make_database() as url:
        async with running_app(settings_for(servers, url, rate_limit={"factor": 1})) as app:
            statuses = []
            for address in SAME_CLIENT:
                async with client_of(app, address) as client:
                    statuses.append((await client.post(TOKEN, data=NOBODY)).status_code)
            async with client_of(app, "198.51.100.8") as other:
                statuses.append((await other.post(TOKEN, data=NOBODY)).status_code)
    assert statuses == [401] * 5 + [429, 401]


async def test_the_lock_sees_through_the_spelling(live_app: FastAPI, live_sign_up: SignUp) -> None:
    owner = await live_sign_up()
    wrong = {"username": owner.username, "password": "Wrong-password-1!"}
    async with client_of(live_app, "198.51.100.7") as plain, client_of(live_app, SAME_CLIENT[1]) as mapped:
        for client in (plain, mapped, plain, mapped, plain):
            await client.post(TOKEN, data=wrong)
        right = {"username": owner.username, "password": PASSWORD}
        locked = [(await client.post(TOKEN, data=right)).json()["code"] for client in (plain, mapped)]
    assert locked == ["account-locked"] * 2


async def test_sessions_and_the_audit_log_show_the_ipv4_address(
    app: FastAPI, seller: Caller, audit: Audit
) -> None:
    async with client_of(app, "::ffff:198.51.100.7") as client:
        form = {"username": seller.username, "password": PASSWORD}
        token = (await client.post(TOKEN, data=form)).json()["access_token"]
        own = {"Authorization": f"Bearer {token}"}
        sessions = (await client.get("/api/v1/auth/sessions", headers=own)).json()
        assert "198.51.100.7" in {session["ip"] for session in sessions}
        changed = await client.patch("/api/v1/users/me", json={"first_name": "Alasdair"}, headers=own)
        assert changed.status_code == 200, changed.text
    entries = await audit(actor_id=seller.id)
    assert entries
    assert {entry["ip"] for entry in entries} == {"198.51.100.7"}


def test_a_trusted_proxy_names_the_client_in_any_spelling(start_gunicorn: StartGunicorn) -> None:
    trusting = start_gunicorn(RATE_LIMIT_FACTOR="1", FORWARDED_ALLOW_IPS="127.0.0.1,192.0.2.0/24")
    answers = [
        # The proxy nearest to us is one of ours, seen through a socket for both kinds.
        trusting.http.post(TOKEN, data=NOBODY, headers={"X-Forwarded-For": f"{client}, ::ffff:192.0.2.9"})
        for client in SAME_CLIENT
    ]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


COUNTED = [
    "198.51.100.8",
    "8.8.4.4",
    "64:ff9b::8.8.4.4",
    # Bytes that are line ends or NUL are bytes as any other.
    "10.10.10.10",
    "::ffff:10.10.10.10",
    "0.10.13.0",
    "2001:db8::1",
    "2001:db8::ffff:1",
    "2001:db8:0:0:1:0:0:1",
    "2001:db8:0:1::1",
    "2001:db8:0:1:a:b:c:d",
    "2a0a:0a0a:0a0a:0a0a::1",
    "2a0a:0a0a:0a0a:0a0a::2",
    "2a0a:0a0a:0a0a:0a0b::2",
]


def test_nginx_counts_as_the_api_does() -> None:
    template = (ROOT / "docker" / "nginx" / "default.conf.template").read_text()
    zones = re.findall(r"^limit_req_zone (\S+) zone=(\w+):", template, re.MULTILINE)
    assert zones == [("$limit_key", "api"), ("$limit_key", "auth"), ("$limit_key", "search")]
    [block] = re.findall(
        r"^map \$binary_remote_addr \$limit_key \{\n(.*?)^\}", template, re.DOTALL | re.MULTILINE
    )
    # Nginx takes the first expression that fits the bytes of the address; ours mean the same in Python.
    expressions = re.findall(r'^    "~(.*)" \$(\w+);$', block, re.MULTILINE)
    assert len(expressions) == 4

    def nginx_key(address: str) -> bytes:
        packed = ipaddress.ip_address(address).packed
        for expression, name in expressions:
            found = re.search(expression.replace("(?<", "(?P<").encode(), packed)
            if found:
                return bytes(found[name])
        return packed

    for one, other in itertools.combinations(SAME_CLIENT + COUNTED, 2):
        is_same = counted_as(normal_address(one)) == counted_as(normal_address(other))
        assert (nginx_key(one) == nginx_key(other)) is is_same, (one, other)
