"""Settings from AWS Secrets Manager: `AWS_SECRETS` names secrets, each a JSON object of names of variables and values."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, field_validator
from pydantic_settings import NoDecode

_READER = Path(__file__).with_name("aws_reader.py")
_LONGEST = 60.0
"""Seconds for all secrets together."""


class AwsSettings(BaseModel):
    """`AWS_SECRETS`, comma-separated names or ARNs; the region and the endpoint where they are not found as usual."""

    secrets: Annotated[tuple[str, ...], NoDecode] = ()
    region: str = ""
    secrets_endpoint: str = ""

    @field_validator("secrets", mode="before")
    @classmethod
    def _splits_commas(cls, names: object) -> object:
        return (
            tuple(one.strip() for one in names.split(",") if one.strip()) if isinstance(names, str) else names
        )

    @field_validator("secrets_endpoint")
    @classmethod
    def _names_a_place(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError("must look like https://secretsmanager.eu-central-1.amazonaws.com")
        return url


class SecretsRefused(Exception):
    """The secrets cannot be used; the text names them and what is wrong, never what they hold."""


@cache
def read_secrets(names: tuple[str, ...], region: str, endpoint: str) -> dict[str, str]:
    """The variables that the secrets hold, read once: workers inherit them from the process that forks them.

    Raises SecretsRefused.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            # -P: the folder it lies in holds no modules for it.
            [sys.executable, "-P", str(_READER), region, endpoint, *names],
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SecretsRefused(f"AWS Secrets Manager gave no answer within {_LONGEST:g} s") from None
    if done.returncode:
        # A traceback's last line, where it is not a line of ours.
        raise SecretsRefused(done.stderr.strip().rpartition("\n")[2] or "the secrets cannot be read")
    found: dict[str, str] = {}
    for name, text in json.loads(done.stdout).items():
        for variable, value in _variables_in(name, text).items():
            if variable in found:
                raise SecretsRefused(f"{variable} stands in {name!r} and in another of the secrets")
            found[variable] = value
    return found


def _variables_in(name: str, text: str) -> dict[str, str]:
    try:
        held = json.loads(text)
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise SecretsRefused(f'{name!r} is no JSON object, such as {{"JWT_SECRET": "…"}}')
    for variable, value in held.items():
        if isinstance(value, dict | list) or value is None:
            raise SecretsRefused(f"{variable} in {name!r} is no text, number or boolean")
    return {
        variable.upper(): value if isinstance(value, str) else json.dumps(value)
        for variable, value in held.items()
    }
