"""A CPU quota counts like missing cores, however the machine mounts its control groups."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import splatzip

ROOT = Path(__file__).parents[2]
V1 = Path("/sys/fs/cgroup/cpu")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has control groups")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tests/kernels/cpu_quota.cpp, compiled."""
    program = tmp_path_factory.mktemp("cpu_quota") / "cpu_quota"
    sources = [Path(__file__).with_name("cpu_quota.cpp"), ROOT / "native" / "src" / "cpu_quota.cpp"]
    compiler = os.environ.get("CXX", "g++")
    options = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'native' / 'src'}"]
    subprocess.run([compiler, *options, *sources, "-o", program], check=True)
    return program


@pytest.fixture
def quota(program: Path, tmp_path: Path) -> Callable[..., int]:
    """Cores that a quota is worth: takes /proc/self/cgroup, and files below /sys/fs/cgroup."""

    def ask(groups: str | None, files: dict[str, str]) -> int:
        if groups is not None:
            (tmp_path / "proc" / "self").mkdir(parents=True)
            (tmp_path / "proc" / "self" / "cgroup").write_text(groups)
        for name, content in files.items():
            file = tmp_path / "sys" / "fs" / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return int(subprocess.run([program, tmp_path], capture_output=True, text=True, check=True).stdout)

    return ask


@pytest.mark.parametrize(
    ("limit", "cores"),
    [
        ("200000 100000", 2), ("150000 100000", 2), ("1000 100000", 1), ("100001 100000", 2), ("50000 10000", 5),
        ("max 100000", 0), ("", 0), ("200000", 0), ("0 100000", 0), ("100000 0", 0), ("-5 100000", 0), ("many 1", 0),
        (f"{2**63 - 1} 1", 0), ("99999999999999999999 100000", 0), (f"{2**63 - 1} {2**63 - 1}", 1),
    ],
)  # fmt: skip
def test_a_limit_of_version_2_is_rounded_up(quota, limit, cores):
    assert quota("0::/\n", {"cpu.max": f"{limit}\n"}) == cores


@pytest.mark.parametrize(
    ("quota_us", "period_us", "cores"),
    [(200000, 100000, 2), (250000, 100000, 3), (-1, 100000, 0), (100, 100000, 1), (100000, 0, 0), ("", "", 0)],
)
def test_a_limit_of_version_1_is_rounded_up(quota, quota_us, period_us, cores):
    files = {"cpu,cpuacct/cpu.cfs_quota_us": f"{quota_us}\n", "cpu,cpuacct/cpu.cfs_period_us": f"{period_us}\n"}
    assert quota("5:memory:/x\n4:cpu,cpuacct:/\n3:cpuset:/\n", files) == cores


def test_the_smallest_limit_of_the_groups_around_counts(quota):
    files = {
        "a/cpu.max": "max 100000",
        "a/b/cpu.max": "300000 100000",
        "a/b/c/cpu.max": "700000 100000",
        "a/other/cpu.max": "10000 100000",
    }
    assert quota("0::/a/b/c\n", files) == 3


def test_a_container_s_own_group_is_what_is_mounted(quota):
    files = {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}
    assert quota("9:cpuacct,cpu:/docker/0123456789abcdef\n", files) == 2


def test_both_versions_may_be_mounted(quota):
    files = {
        "unified/system.slice/cpu.max": "400000 100000",
        "cpu/user/cpu.cfs_quota_us": "600000",
        "cpu/user/cpu.cfs_period_us": "100000",
    }
    assert quota("2:cpu:/user\n1:name=systemd:/x\n0::/system.slice\n", files) == 4


UNREADABLE = ("", "nonsense\n", "0:\n", "0::\n", "0::relative\n", "0::/../up\n", "3:cpuset,cpuacct:/\n", "0::/gone\n")


@pytest.mark.parametrize("groups", [None, *UNREADABLE])
def test_what_cannot_be_read_limits_nothing(quota, groups):
    files = {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000", "a/cpu.max": "100000 100000"}
    assert quota(groups, files) == 0


@pytest.fixture
def limited() -> Iterator[Path]:
    """A group of version 1 with half a core, where this machine lets us make one."""
    group = V1 / f"splatzip-{os.getpid()}"
    try:
        group.mkdir()
        (group / "cpu.cfs_quota_us").write_text("50000")
    except OSError:
        group = Path()
    yield group
    with suppress(OSError):
        group.rmdir()


def test_threads_0_are_what_the_quota_allows(limited):
    count = "import splatzip; print(splatzip.core_count())"
    join = f"open('{limited}/cgroup.procs', 'w').write('0'); " if limited.name else ""
    child = subprocess.run([sys.executable, "-I", "-c", join + count], capture_output=True, text=True, check=True)
    assert int(child.stdout) == (1 if limited.name else splatzip.core_count())
    assert 1 <= splatzip.core_count() <= len(os.sched_getaffinity(0))
