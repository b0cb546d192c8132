"""Groups of processes: what ends them, and that nobody is left."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from time import monotonic

import pytest

from bench.cli import distribute
from bench.cli.main import main
from bench.distributed import group, session
from bench.distributed.group import PeerGroup
from bench.distributed.questions import steps
from bench.records.door import read
from bench.records.groups import DistributedFile
from tests.support import groups
from tests.support.groups import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(groups.NUMPY, tmp_path)


def test_a_killed_peer_is_an_error_within_five_seconds(bench: Bench) -> None:
    record = bench.ask("lose", 2, "fnn-mnist")
    assert record.lost is not None, record.reason
    assert (record.lost.ending, record.lost.left) == ("error", 0)
    assert record.lost.seconds < 5
    # Whether the survivor was reading from the dead peer or writing to it.
    seen = ("EOFError", "ConnectionResetError", "BrokenPipeError")
    assert record.reason.startswith(seen), record.reason


def test_who_does_not_notice_hangs_and_is_killed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "PATIENCE_SECONDS", 0.3)
    record = bench.ask("lose", 2, "fnn-mnist", fault="tests.support.group_faults:deaf")
    assert record.lost is not None, record.reason
    assert (record.lost.ending, record.lost.left) == ("hang", 0)
    assert record.lost.seconds < 5
    assert "watchdog" in record.reason


def test_a_rank_that_raises_is_the_reason_and_ends_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "PATIENCE_SECONDS", 0.3)
    record = bench.ask("certify", 2, "fnn-mnist", fault="tests.support.group_faults:raising")
    assert (record.status, record.reason) == ("error", "ValueError: no more")


def test_a_rank_that_dies_is_a_crash(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "PATIENCE_SECONDS", 0.3)
    record = bench.ask("certify", 2, "fnn-mnist", fault="tests.support.group_faults:dying")
    assert record.status in ("crash", "error")
    assert record.reason


def test_work_that_cannot_be_shared_is_unsupported(bench: Bench) -> None:
    record = bench.ask("certify", 3, "fnn-mnist")
    assert record.status == "unsupported"
    assert record.reason == "32 rows cannot be shared by 3 processes alike"


def test_leaving_a_group_kills_what_its_processes_started(tmp_path: Path) -> None:
    asked = groups.wanted(groups.NUMPY, "fnn-mnist")
    step = next(s for s in steps(asked) if s.kind == "lose")
    environment = session.environment_of(groups.NUMPY)
    with PeerGroup(step.question, environment, tmp_path) as made:
        assert made.left() == 2
        os.killpg(made.peers[0].pid, signal.SIGSTOP)  # a stopped one too
    assert made.left() == 0


def test_time_is_up_is_said(tmp_path: Path) -> None:
    asked = groups.wanted(groups.NUMPY, "fnn-mnist")
    step = next(s for s in steps(asked) if s.kind == "lose")  # which trains for ever
    begun = monotonic()
    with PeerGroup(step.question, session.environment_of(groups.NUMPY), tmp_path) as made:
        ended = made.wait(1.0)
    assert ended.hung == (0, 1)
    assert "no answer after 1 s" in ended.reason
    assert monotonic() - begun < 10


def test_ports_differ() -> None:
    assert len(set(group.free_ports(6))) == 6


def test_the_command_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With NumPy's own scheme in the place of the frameworks'."""
    monkeypatch.setattr(distribute.questions, "schemes", lambda globs: (groups.NUMPY,))
    words = ["distribute", str(tmp_path / "run"), "--tasks", "fnn-mnist", "--processes", "2"]
    with pytest.raises(SystemExit) as end:
        main([*words, "--certify"])
    assert end.value.code == 0
    first = read(tmp_path / "run" / "distributed.json", DistributedFile)
    assert {g.kind for g in first.groups.values()} == {"certify"}
    with pytest.raises(SystemExit):
        main([*words, "--launches", "1"])
    told = capsys.readouterr().out
    whole = read(tmp_path / "run" / "distributed.json", DistributedFile)
    assert {key: whole.groups[key] for key in first.groups} == first.groups
    assert {g.kind for g in whole.groups.values()} >= {"certify", "measure", "lose"}
    assert "numpy:sockets" in told
    assert "every rank" not in told
    assert (tmp_path / "run" / "report.md").exists()


def test_a_file_of_another_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(distribute.questions, "schemes", lambda globs: (groups.NUMPY,))
    words = ["distribute", str(tmp_path / "run"), "--tasks", "fnn-mnist", "--processes", "1"]
    with pytest.raises(SystemExit):
        main([*words, "--certify"])
    path = tmp_path / "run" / "distributed.json"
    raw = json.loads(path.read_text())
    raw["machine"]["cores"] += 1
    path.write_text(json.dumps(raw))
    with pytest.raises(SystemExit) as end:
        main([*words, "--certify"])
    assert end.value.code == 2
    assert "begun on another machine" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "two", "0", "1,65"])
def test_sizes_that_are_none_are_one_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["distribute", str(tmp_path / "run"), "--processes", text])
    assert end.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
