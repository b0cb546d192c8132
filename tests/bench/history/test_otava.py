"""Apache Otava: its answers are read, and a real change is found."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.history import otava
from tasks.errors import UserError
from tests.bench.history.made import noisy, speed

# Standard output of apache-otava 0.8.0 for two made-up series (13th run 20 % lower; one run).
OTAVA_SAID = (
    '{"s3": [{"time": 1578873600, "attributes": {"run": "r12"}, "changes": [{"metric": "value", '
    '"index": 12, "time": 1578873600, "forward_change_percent": "-21", "magnitude": "0.268949", '
    '"mean_before": "1.012544", "stddev_before": "0.027314", "mean_after": "0.797939", '
    '"stddev_after": "0.017802", "pvalue": "0.000000"}]}]}\n{"short": []}\n'
)


def test_otavas_answer_is_read() -> None:
    found = otava.parse(OTAVA_SAID)
    assert found == {"s3": (otava.ChangePoint(12, 1.012544, 0.797939),), "short": ()}


@pytest.mark.parametrize("text", ["No regressions found", "[]", '{"a": [{}]}', '{"a": 1}'])
def test_another_answer_is_said_not_guessed(text: str) -> None:
    with pytest.raises(UserError, match="not understood"):
        otava.parse(text)


def test_microseconds_keep_their_digits(tmp_path: Path) -> None:
    series = speed(noisy(3))
    tiny = replace(series, points=tuple(replace(p, value=p.value * 1e-12) for p in series.points))
    scale = otava.write_csv(tmp_path / "x.csv", tiny)
    rows = (tmp_path / "x.csv").read_text().splitlines()[1:]
    values = [float(row.split(",")[2]) for row in rows]
    assert [v * scale for v in values] == pytest.approx([p.value for p in tiny.points])
    assert max(values) == pytest.approx(1.0, rel=0.1)


def test_what_pip_cannot_install_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_ENVS", str(tmp_path / "envs"))
    missing = str(tmp_path / "no-such-1.0-py3-none-any.whl")
    monkeypatch.setattr(otava, "requirements", lambda: [missing])
    with pytest.raises(UserError, match="could not be installed; the reason is in") as caught:
        otava.executable(say=lambda line: None)
    assert "\n" not in str(caught.value)
    assert "no-such-1.0" in (tmp_path / "envs" / "otava" / "setup.log").read_text()


@pytest.mark.parametrize("script", ["echo '{}'", "echo 'ERROR: no input' >&2", "exit 3"])
def test_a_series_otava_passed_over_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """Where it cannot read a file, Otava logs an error, leaves the series out, and exits with 0."""
    fake = tmp_path / "otava"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(otava, "executable", lambda say: fake)
    with pytest.raises(UserError, match="could not judge the history"):
        otava.find([speed(noisy(10))])


def test_otava_names_the_run_where_it_changed(installed: Path) -> None:
    slow, even = speed(noisy(14, slower_from=9)), speed(noisy(14))
    answers = {one.points: found for one, found in otava.find([slow, even])}
    (found,) = answers[slow.points]
    assert slow.points[found.index].revision == "r9"
    assert found.after / found.before == pytest.approx(1 / 1.2, rel=0.02)
    assert answers[even.points] == ()


def test_a_hundred_even_series_raise_no_alarm(installed: Path) -> None:
    """At Otava's own p-value about two of them would (see bench/history/otava.py)."""
    rng = np.random.default_rng(7)
    model = speed(noisy(14))
    even = [
        replace(model, fingerprint=f"machine {n}", points=tuple(
            replace(p, value=1e5 * math.exp(rng.normal(0, 0.03))) for p in model.points
        ))
        for n in range(100)
    ]  # fmt: skip
    found = otava.find(even)
    assert len(found) == 100
    assert not any(points for _, points in found)


def test_the_least_change_is_twice_what_runs_vary_by() -> None:
    model = speed(noisy(14))
    jumping = replace(model, points=tuple(
        replace(p, value=1e5 * (1 + 0.2 * (n % 2))) for n, p in enumerate(model.points)
    ))  # fmt: skip
    assert otava._magnitude(model) == pytest.approx(0.02, abs=0.011)
    assert otava._magnitude(jumping) > 0.3
    flat = replace(model, points=tuple(replace(p, value=1e5) for p in model.points))
    assert otava._magnitude(flat) == 0.01


def test_a_change_inside_what_runs_vary_by_is_none(installed: Path) -> None:
    slow = speed(noisy(14, slower_from=9, by=1.05))
    rng = np.random.default_rng(3)
    restless = replace(slow, points=tuple(
        replace(p, value=p.value * math.exp(rng.normal(0, 0.05))) for p in slow.points
    ))  # fmt: skip
    assert otava.find([restless]) == [(restless, ())]


def test_runs_older_than_a_year_and_of_a_clock_ahead_count(installed: Path) -> None:
    slow = speed(noisy(14, slower_from=9))
    for year in ("2019", "2099"):
        moved = replace(
            slow, points=tuple(replace(p, created=year + p.created[4:]) for p in slow.points)
        )
        assert len(otava.find([moved])[0][1]) == 1
