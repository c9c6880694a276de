"""`docker/pin` gives images their digests; a registry's answer stands in for the registry."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.conftest import ROOT

FILES = ("docker-compose.yml", "deploy/swarm/stack.yml", "Dockerfile", "deploy/lambda/Dockerfile")
IMAGE = re.compile(r"^(?: *image:|FROM) (\S+)", re.MULTILINE)
OURS = re.compile(r"bookstore|\$\{IMAGE\}")
DOCKER = """#!/bin/sh
for image; do :; done
[ "$1" = pull ] || echo "${image%:*}@sha256:$(printf %s "$image" | sha256sum | cut -d ' ' -f 1)"
"""


def images(text: str) -> list[str]:
    """Those that come from a registry of others."""
    return [image for image in IMAGE.findall(text) if not OURS.search(image)]


def test_every_image_of_others_names_a_version() -> None:
    for file in FILES:
        for image in images((ROOT / file).read_text()):
            assert re.search(r":v?\d", image), (file, image)


def test_every_image_of_others_gets_the_digest_of_its_tag_once(tmp_path: Path) -> None:
    for file in (*FILES, "docker/pin"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)

    def pin() -> str:
        variables = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(  # noqa: S603 (our own script)
            [tmp_path / "docker" / "pin"], env=variables, check=True, capture_output=True, text=True
        )
        return done.stdout

    assert len(pin().splitlines()) == len(
        {image for file in FILES for image in images((ROOT / file).read_text())}
    )
    for file in FILES:
        before, after = (ROOT / file).read_text(), (tmp_path / file).read_text()
        assert images(after) == [
            f"{image}@sha256:{hashlib.sha256(image.encode()).hexdigest()}" for image in images(before)
        ]
        assert re.sub(r"@sha256:\w{64}", "", after) == before
    assert yaml.safe_load((tmp_path / FILES[0]).read_text())["services"]["db"]["image"].count("@") == 1
    assert pin() == ""
