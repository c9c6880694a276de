import ssl
import stat
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from cryptography import x509
from typer.testing import CliRunner

from app.cli.main import cli
from app.core.clock import utc_now


def _make(folder: Path, *options: str) -> str:
    done = CliRunner().invoke(cli, ["certificate", str(folder), *options])
    assert done.exit_code == 0, done.output
    return done.output


def _names(folder: Path) -> list[str]:
    made = x509.load_pem_x509_certificate((folder / "fullchain.pem").read_bytes())
    return [
        str(name.value) for name in made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    ]


def test_where_no_certificate_is_one_is_made_that_a_server_can_use(tmp_path: Path) -> None:
    _make(tmp_path, "--url", "https://shop.example.com:8443/x")
    assert _names(tmp_path) == ["shop.example.com", "localhost", "127.0.0.1"]
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
        tmp_path / "fullchain.pem", tmp_path / "privkey.pem"
    )
    assert stat.S_IMODE((tmp_path / "privkey.pem").stat().st_mode) == 0o600


def test_the_host_may_be_an_address_of_ipv6(tmp_path: Path) -> None:
    _make(tmp_path, "--url", "https://[2001:db8::1]/")
    assert _names(tmp_path)[0] == "2001:db8::1"


def test_a_certificate_that_is_there_stays(tmp_path: Path) -> None:
    _make(tmp_path)
    first = (tmp_path / "fullchain.pem").read_bytes()
    assert "there already" in _make(tmp_path, "--url", "https://other.example.com")
    assert (tmp_path / "fullchain.pem").read_bytes() == first


@pytest.mark.parametrize(("days", "is_renewed"), [(300, False), (370, True), (500, True)])
def test_one_that_was_made_here_is_made_anew_before_it_ends(
    tmp_path: Path, days: int, is_renewed: bool
) -> None:
    _make(tmp_path)
    first = (tmp_path / "fullchain.pem").read_bytes()
    with time_machine.travel(utc_now() + timedelta(days=days)):
        _make(tmp_path)
    assert ((tmp_path / "fullchain.pem").read_bytes() != first) is is_renewed


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["certificate", str(tmp_path / "nowhere")])
    assert done.exit_code == 1
    assert "nowhere: No such file" in done.output
