"""Cores that are really ours: affinity, quotas of every kind of control group, siblings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.machine import cores


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up /sys/fs/cgroup and /proc/self/cgroup."""
    monkeypatch.setattr(cores, "GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "MEMBERSHIP", tmp_path / "membership")
    (tmp_path / "cgroup").mkdir()
    return tmp_path


def member(groups: Path, *lines: str) -> None:
    (groups / "membership").write_text("\n".join(lines) + "\n")


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")


def test_no_group_is_no_limit(groups: Path) -> None:
    assert cores.quota() is None
    assert cores.memory_limit() is None
    assert cores.usable() == len(cores.allowed())


def test_version_2_with_its_parents(groups: Path) -> None:
    member(groups, "0::/a/b")
    write(groups / "cgroup/a/b", cpu__max="max 100000", memory__max="max")
    assert cores.quota() is None
    write(groups / "cgroup/a", cpu__max="50000 100000", memory__max=str(2**30))
    assert cores.quota() == 0.5, "the parent's limit holds for the child"
    assert cores.memory_limit() == 2**30
    assert cores.usable() == 1


def test_version_1_has_files_of_its_own(groups: Path) -> None:
    member(groups, "4:memory:/x", "2:cpu,cpuacct:/x", "1:name=systemd:/")
    write(groups / "cgroup/cpu,cpuacct/x", cpu__cfs_quota_us="150000", cpu__cfs_period_us="100000")
    write(groups / "cgroup/memory/x", memory__limit_in_bytes=str(3 * 2**30))
    assert cores.quota() == 1.5
    assert cores.memory_limit() == 3 * 2**30
    write(groups / "cgroup/cpu,cpuacct/x", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    write(groups / "cgroup/memory/x", memory__limit_in_bytes="9223372036854771712")
    assert cores.quota() is None
    assert cores.memory_limit() is None, "version 1's way to say none"


def test_in_a_container_whose_path_is_not_mounted_the_mount_itself_counts(groups: Path) -> None:
    member(groups, "0::/docker/0123")
    write(groups / "cgroup", cpu__max="50000 100000")
    assert cores.quota() == 0.5


def test_one_of_each_pair_of_siblings_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "TOPOLOGY", tmp_path)
    monkeypatch.setattr(cores, "allowed", lambda: (0, 1, 2, 3))
    for core, pair in enumerate(("0-1", "0-1", "2,3", "2,3")):
        write(tmp_path / f"cpu{core}/topology", thread_siblings_list=pair)
    assert cores.chosen(2) == (0, 2)
    assert cores.chosen(3) == (0, 1, 2)
    assert cores.chosen(9) == (0, 1, 2, 3)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_what_is_started_inside_is_pinned_and_nothing_else() -> None:
    before = cores.allowed()
    code = "import os; print(sorted(os.sched_getaffinity(0)))"
    with cores.pinned(before[:1]):
        inside = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert inside.stdout.strip() == str([before[0]])
    assert cores.allowed() == before
