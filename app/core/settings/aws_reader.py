"""Reads secrets from AWS Secrets Manager and prints them as JSON; what is wrong goes to standard error, with exit code 1.

A program of its own, which `aws` runs once at start: within the shop's processes botocore would cost each of them
31 MiB and three seconds for nothing more. Credentials are found as the AWS command line finds them: variables, a
profile, the role of the task, the pod or the machine.
"""

import json
import sys
from collections.abc import Iterator, Sequence

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_BOUNDS = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
_REGION_OF_ARN = 3
_PARTS_OF_ARN = 6


def main(arguments: Sequence[str]) -> int:
    """`aws_reader REGION ENDPOINT NAME…`; an empty region or endpoint is found as usual."""
    region, endpoint, *names = arguments
    try:
        json.dump(dict(_read(names, region, endpoint)), sys.stdout)
    except _Refused as refusal:
        sys.stderr.write(str(refusal))
        return 1
    return 0


class _Refused(Exception):
    """A secret that is not to be had, and why."""


def _read(names: Sequence[str], region: str, endpoint: str) -> Iterator[tuple[str, str]]:
    session = botocore.session.get_session()
    for name in names:
        arn = name.split(":", _PARTS_OF_ARN)
        place = arn[_REGION_OF_ARN] if arn[0] == "arn" and len(arn) > _REGION_OF_ARN else region
        try:
            client = session.create_client(
                "secretsmanager", region_name=place or None, endpoint_url=endpoint or None, config=_BOUNDS
            )
            answer = client.get_secret_value(SecretId=name)
        except ClientError as fault:
            said = fault.response.get("Error", {})
            raise _Refused(f"{name!r}: {said.get('Code')} ({said.get('Message')})") from None
        except BotoCoreError as fault:
            raise _Refused(f"{name!r}: {type(fault).__name__} ({fault})") from None
        if not answer.get("SecretString"):
            raise _Refused(f"{name!r} is binary; it must be a text, a JSON object")
        yield name, answer["SecretString"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
