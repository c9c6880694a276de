"""Requests to addresses that others name: where they may go, and what may come back."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from app.cli.certificate import certificate
from app.core.outbound import LONGEST_URL, Outbound, OutboundBlocked, OutboundFailed, is_public
from app.core.settings.outbound import OutboundSettings
from app.core.settings.settings import Environment, SettingsError, load_settings
from tests.receiver import HOST, LOOPBACK, Names, Receiver, serve

pytestmark = pytest.mark.anyio

STRICT = Outbound(OutboundSettings())


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for the host."""
    folder = tmp_path_factory.mktemp("keys")
    certificate(folder, f"https://{HOST}")
    return folder


@pytest.fixture
async def secure(keys: Path) -> AsyncIterator[Receiver]:
    """A receiver of HTTPS."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(keys / "fullchain.pem", keys / "privkey.pem")
    receiver = Receiver(ca_file=keys / "fullchain.pem")
    tls.sni_callback = lambda _socket, name, _context: receiver.names.append(name)
    async for one in serve(receiver, tls):
        yield one


@pytest.fixture
async def plain() -> AsyncIterator[Receiver]:
    """A receiver of HTTP."""
    async for one in serve(Receiver(), None):
        yield one


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("https://shop.example.com", "https://shop.example.com/"),
        ("HTTPS://Shop.Example.COM:443/Hook?a=1&b=%20#part", "https://shop.example.com/Hook?a=1&b=%20"),
        ("https://bücher.example/ä?ö=ü", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
        ("https://ＳＨＯＰ.example。", "https://shop.example/"),
        ("https://xn--bcher-kva.example.", "https://xn--bcher-kva.example/"),
        ("https://a_b.r3---sn-x.example/{id}", "https://a_b.r3---sn-x.example/%7Bid%7D"),
        ("https://1.example/..%2f", "https://1.example/..%2f"),
        ("https://shop.example:", "https://shop.example/"),
    ],
)
def test_a_url_is_called_in_one_spelling(given: str, called: str) -> None:
    assert STRICT.check_url(given) == called


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///path",
        "https:shop.example",
        "//shop.example/",
        "shop.example",
        "http://shop.example/",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "https://shop.example:80/",
        "https://shop.example:8443/",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example:x/",
        "https://user@shop.example/",
        "https://user:password@shop.example/",
        "https://@shop.example/",
        "https://shop.example:443@evil.example/",
        "https://shop.example\\@evil.example/",
        "https://shop.example/a b",
        "https://shop.example/\r\nHost: evil.example",
        "https://sh\top.example/",
        "https://shop.example/\u2028",
        " https://shop.example/",
        "https://127.0.0.1/",
        "https://127.0.0.1./",
        "https://8.8.8.8/",
        "https://127.1/",
        "https://127.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.0x1/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://shop.example.0x/",
        "https://127.0.0.1.nip.1/",
        "https://１２７.０.０.１/",
        "https://127。0。0。1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://127%2e0%2e0%2e1/",
        "https://%31%32%37.0.0.1/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2606:4700:4700::1111]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://[v1.a]/",
        "https://a..example/",
        "https://.example/",
        "https://-a.example/",
        "https://a-.example/",
        "https://xn--a.example/",
        "https://xn--.example/",
        "https://a\u200db.example/",
        "https://☃\u0301\u2028.example/",
        "https://ab／c.example/",
        "https://a.example？.evil/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 130}example/",
        f"https://shop.example/{'a' * LONGEST_URL}",
        f"https://shop.example/{'ä' * (LONGEST_URL // 3)}",
        "https://shop.example/\ud800",
        "https://shop.example%00.evil/",
        "https://shop.exam\x00ple/",
    ],
)
async def test_a_url_that_goes_elsewhere_is_refused_before_anybody_is_asked(url: str) -> None:
    names = Names([["93.184.216.34"]])
    outbound = Outbound(OutboundSettings(), names.resolve)
    with pytest.raises(OutboundBlocked):
        outbound.check_url(url)
    with pytest.raises(OutboundBlocked):
        await outbound.post(url, b"", {})
    assert names.asked == []


NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 (nothing listens here)
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.9",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::10.0.0.1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_no_name_may_stand_for_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    for answers in ([address], ["93.184.216.34", address], [address, "2606:4700:4700::1111"]):
        outbound = Outbound(OutboundSettings(), Names([answers]).resolve)
        with pytest.raises(OutboundBlocked, match="not on the public internet"):
            await outbound.get(f"https://{HOST}/")


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450::1"],
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


async def test_the_connection_goes_to_the_checked_address_under_the_names_own_host(secure: Receiver) -> None:
    sent = '{"an": "ünchanged body"}'.encode()
    answer = await secure.outbound().post(secure.url("/hook?x=%41"), sent, {"webhook-id": "msg_1"})
    assert (answer.status, answer.body, answer.is_whole) == (202, b"taken", True)
    assert answer.headers["x-note"] == "it"
    assert 0 < answer.seconds < 5
    (request, body), *_ = secure.requests
    assert (body, request.raw_path, request.headers["webhook-id"]) == (sent, "/hook?x=%41", "msg_1")
    assert request.host == f"{HOST}:{secure.port}"
    assert secure.names == [HOST]
    assert request.headers["user-agent"].startswith("bookstore/")


async def test_nothing_is_carried_from_one_request_to_the_next(secure: Receiver) -> None:
    outbound = secure.outbound()
    for _ in range(2):
        await outbound.get(secure.url())
    assert "cookie" not in secure.requests[1][0].headers
    assert secure.names == [HOST, HOST]


async def test_a_certificate_of_another_host_is_none(secure: Receiver) -> None:
    with pytest.raises(OutboundFailed, match="certificate"):
        await secure.outbound().get(f"https://other.example:{secure.port}/")
    stranger = Outbound(OutboundSettings(networks=LOOPBACK), Names([["127.0.0.1"]]).resolve)
    with pytest.raises(OutboundFailed, match="certificate"):
        await stranger.get(secure.url())
    assert secure.requests == []


async def test_a_name_that_means_something_else_at_the_next_try_is_refused(plain: Receiver) -> None:
    outbound = plain.outbound(["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"])
    url = plain.url(scheme="http")
    assert (await outbound.get(url)).status == 202
    with pytest.raises(OutboundBlocked):
        await outbound.get(url)
    assert (await outbound.get(url)).status == 202


async def test_a_name_is_asked_for_once_between_check_and_connection(plain: Receiver) -> None:
    names = Names([["127.0.0.1"], ["169.254.169.254"]])
    outbound = Outbound(OutboundSettings(networks=LOOPBACK), names.resolve)
    await outbound.get(plain.url(scheme="http"))
    assert names.asked == [HOST]


async def test_our_networks_are_no_way_to_plain_http_elsewhere(plain: Receiver) -> None:
    outbound = plain.outbound(["93.184.216.34"])
    for url in (plain.url(), plain.url(scheme="http"), f"http://{HOST}/", f"https://{HOST}:80/"):
        with pytest.raises(OutboundBlocked):
            await outbound.get(url)
    for url in ("http://10.0.0.1/", "http://2130706433/", "http://[::1]/", "http://0177.0.0.1/"):
        with pytest.raises(OutboundBlocked):
            outbound.check_url(url)
    assert (await plain.outbound().get(f"http://127.0.0.1:{plain.port}/")).status == 202


async def test_a_redirect_is_an_answer(plain: Receiver) -> None:
    answer = await plain.outbound().post(plain.url("/redirect", "http"), b"{}", {})
    assert (answer.status, answer.headers["Location"]) == (302, "https://127.0.0.1/secret")
    assert len(plain.requests) == 1


@pytest.mark.parametrize(("most", "is_whole"), [(0, False), (1000, False), (299_999, False), (300_000, True)])
async def test_no_more_is_read_than_is_allowed(plain: Receiver, most: int, *, is_whole: bool) -> None:
    answer = await plain.outbound().get(plain.url("/long", "http"), most=most)
    assert (len(answer.body), answer.is_whole) == (most, is_whole)


async def test_sixty_four_kibibytes_are_read_where_nobody_says_more(plain: Receiver) -> None:
    assert len((await plain.outbound().get(plain.url("/long", "http"))).body) == 64 * 1024


async def test_an_answer_that_never_ends_is_given_up_in_time(plain: Receiver) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(OutboundFailed, match=r"within 0\.3 seconds"):
        await plain.outbound().get(plain.url("/endless", "http"), timeout=0.3)
    assert loop.time() - began < 2


async def test_a_look_up_that_never_ends_is_given_up_in_time() -> None:
    async def never(_host: str) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    with pytest.raises(OutboundFailed):
        await Outbound(OutboundSettings(), never).get(f"https://{HOST}/", timeout=0.1)


@pytest.mark.parametrize("answer", [[], OSError("no such name"), TimeoutError()])
async def test_a_name_without_an_address_may_have_one_later(answer: list[str] | OSError) -> None:
    with pytest.raises(OutboundFailed):
        await Outbound(OutboundSettings(), Names([answer]).resolve).get(f"https://{HOST}/")


async def test_a_receiver_that_is_away_or_hangs_up_failed(plain: Receiver, secure: Receiver) -> None:
    with pytest.raises(OutboundFailed, match="hung up"):
        await plain.outbound().get(plain.url("/hang-up", "http"))
    with pytest.raises(OutboundFailed, match="connected"):
        await plain.outbound().get("http://127.0.0.1:1/")
    with pytest.raises(OutboundFailed):
        await plain.outbound().get(plain.url("/"))
    with pytest.raises(OutboundFailed):
        await secure.outbound().get(secure.url("/", "http"))


def test_production_makes_no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_NETWORKS", "127.0.0.0/8, ::1/128")
    secret = "kJ8s0Pq2mV6xW4zT1bN9cR7dF3gH5jL0yU8iO6pA2sE4"
    development = load_settings(environment=Environment.DEVELOPMENT, jwt={"secret": secret})
    assert [str(one) for one in development.outbound.networks] == ["127.0.0.0/8", "::1/128"]
    with pytest.raises(SettingsError, match="OUTBOUND_NETWORKS must be empty in production"):
        load_settings(
            environment=Environment.PRODUCTION, jwt={"secret": secret}, public_url="https://a.example"
        )
    monkeypatch.setenv("OUTBOUND_NETWORKS", "localhost")
    with pytest.raises(SettingsError, match=r"must look like 127\.0\.0\.0/8"):
        load_settings(environment=Environment.DEVELOPMENT, jwt={"secret": secret})
