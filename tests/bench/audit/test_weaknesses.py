"""What pip-audit answers is told, and what it did not answer is no silence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.audit import weaknesses
from bench.audit.weaknesses import Findings, answered, groups, told

ONE, TWO, NEWER = ("one", "1"), ("two", "2.0"), ("one", "1.1")


def answer(*rows: dict[str, object]) -> str:
    return json.dumps({"dependencies": rows, "fixes": []})


SOUND = {"name": "One", "version": "1", "vulns": []}
WEAK = {"name": "two", "version": "2.0", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}
SKIPPED = {"name": "two", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("text", "known", "unasked"),
    [
        (answer(SOUND, WEAK), {ONE: (), TWO: ("CVE-1", "CVE-2")}, {}),
        (answer(SOUND, SKIPPED), {ONE: ()}, {TWO: "not found"}),
        (answer(SOUND), {ONE: ()}, {TWO: "no answer"}),
        (answer(SOUND, WEAK | {"version": "3"}), {ONE: ()}, {TWO: "no answer"}),
        ("No known vulnerabilities", {}, {ONE: "no answer", TWO: "no answer"}),
    ],
)
def test_only_what_was_answered_is_known(text: str, known: object, unasked: object) -> None:
    assert answered(text, [ONE, TWO]) == Findings(known, unasked)  # type: ignore[arg-type]


def test_no_group_holds_a_package_twice() -> None:
    assert list(groups([TWO, NEWER, ONE])) == [[ONE, TWO], [NEWER]]
    assert list(groups([])) == []


def test_all_locks_and_the_suite_itself_are_asked_about() -> None:
    every = weaknesses.releases()
    assert any(whose[0].startswith("pytorch-cpu") for whose in every.values())
    assert ("torch", "2.13.0") in every  # also of builds for CPUs alone
    assert any(weaknesses.SUITE in whose for whose in every.values())
    assert not any(name == weaknesses.OURS for name, _ in every)


def test_what_is_told() -> None:
    every = {ONE: ["a"], TWO: [*"abcdefg"], NEWER: ["a"]}
    lines = told(every, Findings({ONE: (), TWO: ("CVE-1",)}, {NEWER: "not found"}))
    assert lines == [
        "two 2.0: CVE-1\n  in a, b, c, d, e and 2 more",
        "1 releases could not be asked about, as: not found",
        "2 of 3 releases asked about: 1 are weak",
    ]


@pytest.mark.parametrize(
    ("rows", "status"),
    [([SOUND, WEAK], 1), ([SOUND, SKIPPED], 2), ([SOUND, WEAK | {"vulns": []}], 0), ([], 2)],
)
def test_green_means_that_all_were_asked_about(
    rows: list[dict[str, object]], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weaknesses, "releases", lambda: {ONE: ["a"], TWO: ["b"]})
    monkeypatch.setattr(weaknesses, "ask", lambda group, words: answered(answer(*rows), group))
    assert weaknesses.main([]) == status


def test_no_answer_is_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'No module named pip_audit' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    assert weaknesses.main([]) == 2
    assert capsys.readouterr().out == "pip-audit has no answer: No module named pip_audit\n"
