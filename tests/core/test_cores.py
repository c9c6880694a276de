import os
from pathlib import Path

import pytest

from app.core.cores import usable_cores

BOUND = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("granted", "cores"),
    [("max 100000", BOUND), ("50000 100000", 1), ("100000 100000", 1), ("150000 100000", min(2, BOUND))],
)
def test_a_containers_share_counts(tmp_path: Path, granted: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(f"{granted}\n")
    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", BOUND), ("20000", 1)])
def test_so_does_that_of_the_first_version(tmp_path: Path, quota: str, cores: int) -> None:
    folder = tmp_path / "cpu"
    folder.mkdir()
    (folder / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path) == cores


def test_outside_of_containers_all_count(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == BOUND
