"""Shells, notebooks and locales of users: the same bytes in every file, and never a traceback."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest

from bench.cli import main as cli
from bench.run import environments
from bench.run.environments import PROJECT
from tests.support.command import bench
from tests.support.hostile import call

# A notebook's back end, a locale that is not UTF-8, and no help by Python's own UTF-8 mode.
STRANGE = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONIOENCODING": "gbk",
    "LC_ALL": "C", "LANG": "zh_CN.GBK", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
    "PYTHONPATH": str(PROJECT),
}  # fmt: skip
CALLS = {"open", "read_text", "write_text"}


def test_a_strange_shell_changes_no_byte(tmp_path: Path) -> None:
    """A report made there is the report made here, figures too; in a process of its own, since
    all of this is read at its start."""
    run = tmp_path / "run"
    shutil.copytree(PROJECT / "results" / "cpu-quick", run)
    assert bench("report", "run", cwd=tmp_path).returncode == 0
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.dpi: 30\nfont.size: 40\n")
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    done = bench("report", "run", cwd=tmp_path, **STRANGE)
    assert done.returncode == 0, done.stderr
    after = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    assert {n for n in before | after if before.get(n) != after.get(n)} == set()


def test_a_reason_with_brackets_is_printed_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "envs" / "tensorflow-cpu"
    place.mkdir(parents=True)
    reason = "no kernel for [/job:localhost/replica:0] [bold]"
    facts = {
        "framework": "tensorflow", "status": "uninstallable", "reason": reason, "version": "",
        "requirements": environments.digest("tensorflow", "cpu"),
    }  # fmt: skip
    (place / "environment.json").write_text(json.dumps(facts))
    done = bench("list", cwd=tmp_path, COLUMNS="300")
    assert done.returncode == 0, done.stderr
    assert reason in done.stdout


def test_a_fault_of_ours_is_one_line_and_exit_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a fault\nof ours \x1b[2J")

    monkeypatch.setattr("bench.records.store.Run.open", broken)
    for command in (["compare", "a", "b"], ["report", "a"], ["history", "add", "a"]):
        assert call(*command) == 3
        told = capsys.readouterr().err
        assert told.count("\n") == 1 and "internal error: KeyError" in told, told
        assert "\x1b" not in told
        assert call(*command, "--debug") == 3
        assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OSError(28, "No space left on device", "/x/y"), 2),
        (PermissionError(13, "Permission denied", "/x/y"), 2),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(32, "Broken pipe"), 141),
        (MemoryError(), 3),
        (RecursionError("too deep"), 3),
    ],
)
def test_exit_statuses_of_what_can_be_raised(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
) -> None:
    def raises(*_: object) -> None:
        raise error

    monkeypatch.setattr("bench.records.store.Run.open", raises)
    monkeypatch.setattr(cli.os, "dup2", lambda *_: None)
    assert call("compare", "a", "b") == status
    assert "Traceback" not in capsys.readouterr().err


def test_every_file_is_opened_as_utf_8() -> None:
    """Whatever the locale: no call leaves the encoding to it."""
    found = []
    for root in ("bench", "tasks", "adapters"):
        for path in sorted((PROJECT / root).rglob("*.py")):
            if path.is_relative_to(PROJECT / "bench" / "audit"):
                continue  # measures the suite on our own machines
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [f"{path.name}:{n.lineno}" for n in ast.walk(tree) if _is_left_open(n)]
    assert found == []


def _is_left_open(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or {"encoding"} & {k.arg for k in node.keywords}:
        return False
    if isinstance(node.func, ast.Attribute):
        if node.func.attr in ("read_text", "write_text"):
            return True
        return node.func.attr == "open" and not node.args and not node.keywords
    if not (isinstance(node.func, ast.Name) and node.func.id == "open"):
        return False
    mode = [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
    return not any("b" in str(one) for one in mode)
