"""What stands under deploy/ for machines without containers, by the programs that read it."""

from pathlib import Path

from typer.testing import CliRunner

from app.cli.main import cli
from tests.conftest import ROOT
from tests.stack.stack import docker


def test_nginx_finds_the_configuration_of_a_machine_right(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["certificate", str(tmp_path)]).exit_code == 0
    site = ROOT / "deploy" / "vm" / "nginx" / "bookstore.conf"
    mounts = (
        f"--volume={site}:/etc/nginx/conf.d/default.conf:ro",
        f"--volume={tmp_path}:/etc/letsencrypt/live/shop.example.com:ro",
    )
    docker("run", "--rm", *mounts, "--entrypoint=nginx", "nginx:1.28-alpine", "-t")
