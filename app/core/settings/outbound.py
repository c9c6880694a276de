"""The groups of settings for requests to addresses that others name."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import NoDecode

from app.core.settings.unset import unset_if_empty


class OutboundSettings(BaseModel):
    """Requests to addresses that others name: `OUTBOUND_*`.

    Networks of this installation that may be called although nobody else can reach them, by plain HTTP and at any
    port too: for tests and development. Certificates of a CA that is trusted besides the public ones.
    """

    networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    ca_file: Path | None = None

    _may_be_empty = field_validator("ca_file", mode="before")(unset_if_empty)

    @field_validator("networks", mode="before")
    @classmethod
    def _splits_commas(cls, networks: object) -> object:
        if not isinstance(networks, str):
            return networks
        try:
            return tuple(ip_network(one.strip()) for one in networks.split(",") if one.strip())
        except ValueError:
            raise ValueError("must look like 127.0.0.0/8,::1/128") from None


class WebhookSettings(BaseModel):
    """Outgoing webhooks: `WEBHOOKS_*`. How many an account may have, and how many a worker sends at once."""

    per_account: int = Field(default=10, ge=1, le=1000)
    concurrency: int = Field(default=50, ge=1, le=500)
