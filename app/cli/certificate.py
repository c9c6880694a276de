"""`bookstore certificate FOLDER`: what a server of TLS can start with before it has a certificate of its own."""

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.cli.errors import refuse
from app.core.clock import utc_now

_LIFETIME = timedelta(days=397)
"""As long as browsers let any certificate live."""
_RENEWED_BEFORE = timedelta(days=30)
_LONGEST_COMMON_NAME = 64


def certificate(
    folder: Annotated[Path, typer.Argument(help="Where fullchain.pem and privkey.pem belong.")],
    url: Annotated[
        str,
        typer.Option(
            envvar="PUBLIC_URL", help="Where the server is reached; its host is in the certificate."
        ),
    ] = "https://localhost",
) -> None:
    """Make a self-signed certificate where there is none; one that is there stays, unless it is such a one and old.

    Exit code 1: the folder cannot be read or written.
    """
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    try:
        if key.exists() and chain.exists() and not _is_ours_and_old(chain.read_bytes()):
            typer.echo(f"{chain} is there already.")
            return
        names = list(dict.fromkeys([urlsplit(url).hostname or "localhost", "localhost", "127.0.0.1"]))
        _write(names, chain, key)
    except OSError as fault:
        refuse(f"cannot write to {folder}: {fault.strerror}.")
    typer.echo(f"{chain}: self-signed, for {', '.join(names)}. Browsers warn of it.")


def _is_ours_and_old(chain: bytes) -> bool:
    found = x509.load_pem_x509_certificate(chain)
    return found.issuer == found.subject and found.not_valid_after_utc - utc_now() < _RENEWED_BEFORE


def _write(names: list[str], chain: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:_LONGEST_COMMON_NAME])])
    now = utc_now()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks differ.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
