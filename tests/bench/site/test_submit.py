"""A run of somebody else's machine: a good one is added whole, every fault is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.records.record import MEASUREMENT
from bench.site import submit
from tasks.errors import UserError
from tests.bench.site.conftest import make_run
from tests.support.command import bench

SUITE = {"version": "1", "revision": "abc", "measurement": MEASUREMENT}
CEILING = {
    "schema": 2, "device": "cpu", "threads": 2, "precisions": ["fp32"],
    "answers": {"pytorch": {"fp32": {"flops": 5e12}, "copy": {"bytes_per_second": 1e10}}},
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    place = tmp_path / "theirs"
    make_run(place, {"pytorch:loop": 0.1, "keras:fit": 0.2}, ["fnn-mnist"], suite=SUITE)
    (place / "ceiling.json").write_text(json.dumps(CEILING))
    return place


def edited(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


def test_a_good_run_is_added_with_its_sums_and_nothing_else(run: Path, tmp_path: Path) -> None:
    (run / "evil.sh").write_text("echo")
    (run / "index.html").write_text("<script>")
    (tmp_path / "results").mkdir()
    ended = bench("submit", str(run), "--into", str(tmp_path / "results"), cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    added = tmp_path / "results" / "theirs"
    assert {p.name for p in added.iterdir()} == {
        "run.json",
        "ceiling.json",
        "launches",
        submit.SUMS,
    }
    assert submit.faults(added) == []
    with pytest.raises(UserError, match="there already"):
        submit.add(run, tmp_path / "results")


def test_a_check_writes_nothing(run: Path, tmp_path: Path) -> None:
    ended = bench("submit", str(run), "--check", "--into", str(tmp_path / "results"), cwd=tmp_path)
    assert ended.returncode == 0 and "nothing speaks against it" in ended.stdout
    assert not (tmp_path / "results").exists()


def test_a_changed_record_breaks_the_sums(run: Path) -> None:
    (run / submit.SUMS).write_text(submit.sums(run))
    assert submit.faults(run) == []
    first = next((run / "launches").glob("measure*"))
    first.write_text(first.read_text() + " ")
    assert [line for line in submit.faults(run) if first.name in line and submit.SUMS in line]


def test_no_certificate_no_submission(run: Path, tmp_path: Path) -> None:
    for path in (run / "launches").glob("certify*keras*"):
        path.unlink()
    ended = bench("submit", str(run), "--into", str(tmp_path / "results"), cwd=tmp_path)
    assert ended.returncode == 1 and "keras:fit was measured without a certificate" in ended.stdout
    assert not (tmp_path / "results").exists()


def test_a_speed_over_the_ceiling_and_no_ceiling_at_all(run: Path) -> None:
    slow = {**CEILING, "answers": {"pytorch": {"fp32": {"flops": 1e6}}}}
    (run / "ceiling.json").write_text(json.dumps(slow))
    assert any("cannot have been done" in line for line in submit.faults(run))
    (run / "ceiling.json").unlink()
    assert any("no ceiling.json" in line for line in submit.faults(run))


def test_an_older_way_of_measuring_is_refused(run: Path) -> None:
    edited(run / "run.json", lambda raw: raw.update(suite=SUITE | {"measurement": 0}))
    assert any("measured in way 0" in line for line in submit.faults(run))


def test_a_foreign_or_broken_record_is_one_line(run: Path, tmp_path: Path) -> None:
    (run / "launches" / "x.json").write_text("{")
    ended = bench("submit", str(run), "--check", cwd=tmp_path)
    assert ended.returncode == 2 and len(ended.stderr.strip().splitlines()) == 1


def test_links_are_refused(run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    (run / "evidence.json").symlink_to(secret)
    with pytest.raises(UserError, match="is a link"):
        submit.files(run)
