"""`bookstore smoke`: against Gunicorn as production starts it, and against what is no shop."""

import http.server
import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import Result

from app.core.clock import utc_now
from tests.cli.conftest import Run
from tests.conftest import PASSWORD
from tests.gunicorn import Gunicorn, StartGunicorn, start_gunicorn

__all__ = ["start_gunicorn"]
READING_CHECKS = 9
BUYING_STEPS = 8


class Stranger(http.server.BaseHTTPRequestHandler):
    """Answers everything with JSON of its own, as another service at the shop's address would."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'["hello"]')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def self_signed(folder: Path) -> tuple[str, str]:
    """A certificate for nobody in particular, as `docker compose up` makes one at its first start, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "certificate.pem"), str(folder / "key.pem")


def stock(server: Gunicorn) -> None:
    """One book with an ISBN and ten pieces, sold by an account of its own."""
    account = {"username": "seller", "email": "seller@example.com", "password": PASSWORD}
    assert server.http.post("/api/v1/users/register", json=account).status_code == 201
    login = {"username": "seller", "password": PASSWORD}
    token = server.http.post("/api/v1/auth/token", data=login).json()["access_token"]
    book = {"title": "Emma & co.", "price": 10, "quantity": 10, "isbn": "9780141439587"}
    headers = {"Authorization": f"Bearer {token}"}
    answer = server.http.post("/api/v1/books", json=book, headers=headers)
    assert answer.status_code == 201, answer.text


def test_a_shop_that_works_passes_and_nothing_of_the_purchase_is_left(
    run: Run, start_gunicorn: StartGunicorn
) -> None:
    server = start_gunicorn(PAYMENTS_FAKE="true")
    stock(server)
    url = str(server.http.base_url)

    read = run("smoke", url)
    bought = run("smoke", url, "--buy", "--timeout", "60")

    assert (read.exit_code, bought.exit_code) == (0, 0), read.output + bought.output
    lines = read.output.splitlines()
    assert len(lines) == READING_CHECKS + 1
    assert all(re.match(r"ok +\d+ ms  \w", line) for line in lines[:-1])
    assert "304" in lines[4]
    assert "304" in lines[5]
    total = READING_CHECKS + BUYING_STEPS
    assert bought.output.splitlines()[-1] == f"{total} of {total} checks passed."
    assert server.http.get("/api/v1/books").json()["items"][0]["quantity"] == 10


def test_an_empty_shop_passes_and_sells_nothing(run: Run, start_gunicorn: StartGunicorn) -> None:
    url = str(start_gunicorn().http.base_url)

    assert run("smoke", url).exit_code == 0
    bought = run("smoke", url, "--buy")

    assert bought.exit_code == 1
    failed = [line for line in bought.output.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1
    assert "no book is in stock" in failed[0]


def test_a_self_signed_certificate_is_taken_when_that_is_said(
    run: Run, start_gunicorn: StartGunicorn, tmp_path: Path
) -> None:
    certificate, key = self_signed(tmp_path)
    server = start_gunicorn("--certfile", certificate, "--keyfile", key, is_awaited=False)
    url = str(server.http.base_url).replace("http:", "https:")
    assert run_until_up(run, url).exit_code == 0
    careful = run("smoke", url)
    assert careful.exit_code == 1
    assert "certificate" in careful.output


def run_until_up(run: Run, url: str) -> Result:
    for _ in range(60):
        result = run("smoke", url, "--insecure")
        if result.exit_code == 0:
            break
        time.sleep(1)
    return result


def test_what_is_no_shop_fails_every_check(run: Run, stranger: str) -> None:
    for url in (stranger, "http://127.0.0.1:1"):
        result = run("smoke", url, "--buy", "--timeout", "5")

        assert result.exit_code == 1
        lines = result.output.splitlines()
        assert all(line.startswith("FAIL") for line in lines[:-1])
        # The first step of buying is the last one made.
        assert lines[-1] == f"0 of {READING_CHECKS + 1} checks passed."


@pytest.mark.parametrize(
    "url",
    [
        "shop.example.com",
        "ftp://shop.example.com",
        "https://",
        "http://[::1",
        "http://shop.example.com:99999",
        "http://shop.example.com:http",
    ],
)
def test_an_address_that_is_none_is_wrong_usage(run: Run, url: str) -> None:
    assert run("smoke", url).exit_code == 2
