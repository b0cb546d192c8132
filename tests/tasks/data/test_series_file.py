"""Series as people's programs write them: read rightly, or refused in one line; never otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from tasks.data import prepare, series
from tasks.data.files import series_file
from tasks.errors import UserError

COUNT = 120
VALUES = np.round(1500 + 100 * np.sin(np.arange(COUNT) / 5) + np.arange(COUNT) / 7, 2)
DAYS = [date(2020, 1, 1) + timedelta(n) for n in range(COUNT)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def german(value: float) -> str:
    return f"{value:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


def lines(
    number: Callable[[float], str] = str,
    day: Callable[[date], str] = date.isoformat,
    mark: str = ",",
    heading: str = "Date{}Value",
) -> list[str]:
    found = [f"{day(d)}{mark}{number(v)}" for d, v in zip(DAYS, VALUES, strict=True)]
    return [heading.format(mark), *found] if heading else found


def shuffled(body: list[str]) -> list[str]:
    order = np.random.default_rng(0).permutation(COUNT)
    return [body[0], *(body[1 + n] for n in order)]


def comma(value: float) -> str:
    return str(value).replace(".", ",")


READ: dict[str, tuple[list[str], str]] = {
    "plain": (lines(), "2 columns between commas, column 'Value', decimal point, oldest first"),
    "no heading": (lines(heading=""), "oldest first"),
    "semicolons, decimal comma": (lines(comma, mark=";"), "decimal comma"),
    "tabs": (lines(mark="\t"), "between tabs"),
    "bars": (lines(mark="|"), "between bars"),
    "German thousands": (lines(german, mark=";"), "decimal comma, '.' between thousands"),
    "quoted English thousands": (lines(lambda v: f'"{v:,.2f}"'), "decimal point, ','"),
    "Swiss thousands": (lines(lambda v: f"{v:,.2f}".replace(",", "'")), "decimal point"),
    "French thousands": (lines(lambda v: f"{v:,.2f}".replace(",", "\u202f")), "decimal point"),
    "newest first": ([lines()[0], *lines()[:0:-1]], "newest first, turned round"),
    "in no order": (shuffled(lines()), "in no order, sorted"),
    "German dates": (lines(day=lambda d: f"{d:%d.%m.%Y}"), "oldest first"),
    "American dates": (lines(day=lambda d: f"{d:%m/%d/%Y}"), "oldest first"),
    "English dates, newest first": (
        [lines()[0], *lines(day=lambda d: f"{d:%d/%m/%Y}")[:0:-1]], "newest first",
    ),
    "times": (lines(day=lambda d: f"{d}T12:00:00Z"), "oldest first"),
    "months by name": (lines(day=lambda d: f"{d:%d %b %Y}"), "oldest first"),
    "seconds": (lines(day=lambda d: str(d.toordinal() * 86400)), "oldest first"),
    "one column, decimal comma": (["Value", *map(comma, VALUES)], "one column, decimal comma"),
    "one column": (["Value", *map(str, VALUES)], "in the order of its lines"),
    "more columns": (
        ["Date,Open,Close", *(f"{d},1,{v}" for d, v in zip(DAYS, VALUES, strict=True))],
        "3 columns between commas, column 'Close'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_read_rightly_and_said(tmp_path: Path, name: str) -> None:
    body, words = READ[name]
    (tmp_path / "mine.csv").write_text("\n".join(body), encoding="utf-8")
    found = series_file.read(tmp_path / "mine.csv")
    assert np.array_equal(found.values, VALUES)
    assert words in found.how
    prepared = prepare.prepare("series", tmp_path)
    assert prepared.note == found.how


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_encodings_are_no_part_of_the_heading(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "mine.csv").write_text("\n".join(lines()), encoding=encoding)
    assert np.array_equal(series_file.read(tmp_path / "mine.csv").values, VALUES)


def with_line(number: int, text: str, body: list[str] | None = None) -> list[str]:
    made = list(body or lines())
    made[number] = text
    return made


REFUSED: dict[str, tuple[list[str], str]] = {
    "a decimal comma between commas": (lines(comma), "has 3 values, the heading 2"),
    "the same without a heading": (lines(comma, heading=""), "3 columns and no heading"),
    "one column of commas without a heading": (list(map(comma, VALUES)), "has no heading"),
    "thousands or decimals": (
        lines(lambda v: f"{v:,.0f}", mark=";"), "can be read in two ways",
    ),
    "marks that disagree": (
        with_line(60, f"{DAYS[59]};1,5.3", lines(comma, mark=";")), "line 61: '1,5.3' is no number",
    ),
    "two conventions": (
        with_line(60, f"{DAYS[59]};1.5", with_line(61, f"{DAYS[60]};1,5", lines(mark=";"))),
        "other marks than the lines before",
    ),
    "a date twice": (with_line(8, lines()[7]), "line 9: '2020-01-07' stands there twice"),
    "a date that is none": (with_line(9, "2020-02-31,5"), "line 10: '2020-02-31' is no date"),
    "dates in two ways": (with_line(9, "09.01.2020,5"), "not all written in one way"),
    "a missing value": (with_line(9, f"{DAYS[8]},NaN"), "line 10: 'NaN' is no number"),
    "a word": (with_line(9, f"{DAYS[8]},seven"), "line 10: 'seven' is no number"),
    "a unit": (with_line(9, f"{DAYS[8]},15 %"), "is no number"),
    "a line cut short": (with_line(9, str(DAYS[8])), "line 10 has 1 values"),
    "only a heading": (lines()[:1], "holds no number"),
    "nothing": ([], "holds no number"),
    "too few": (lines()[:50], "needs 100 or more"),
    "a training part that never changes": (
        ["Value", *["3.5"] * 96, *map(str, range(24))], "trained on, never change",
    ),
    "that but for rounding": (
        ["Value", *["3.5", "3.5000000000000004"] * 48, *map(str, range(24))], "never change",
    ),
    "a value beyond all": (["Value", *map(str, VALUES[:-1]), "1e30"], "standard deviations"),
    "beyond a float": (["Value", *map(str, VALUES[:-1]), "1e999"], "'1e999' is no number"),
    "day and month either way": (
        ["Date,Value", *(f"{1 + n * 5 % 12:02d}/{1 + n * 7 % 12:02d}/20{n // 12:02d},{n}"
                         for n in range(COUNT))],
        "day and month can be changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(tmp_path: Path, name: str) -> None:
    body, words = REFUSED[name]
    (tmp_path / "mine.csv").write_text("\n".join(body), encoding="utf-8")
    with pytest.raises(UserError) as refused:
        prepare.prepare("series", tmp_path)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_gaps_are_counted(tmp_path: Path) -> None:
    body = lines()
    del body[50:60]
    (tmp_path / "mine.csv").write_text("\n".join(body))
    assert "1 gap in it" in series_file.read(tmp_path / "mine.csv").how
    weekdays = [line for line, d in zip(lines()[1:], DAYS, strict=True) if d.weekday() < 5]
    (tmp_path / "mine.csv").write_text("\n".join(weekdays))
    assert "gap" not in series_file.read(tmp_path / "mine.csv").how


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    for raw in (b"\xff\xfe\x00", b"a,b\n1,\xe9\n", b"1\x00\n2\x00\n"):
        (tmp_path / "mine.csv").write_bytes(raw)
        with pytest.raises(UserError, match="cannot be read as CSV"):
            prepare.prepare("series", tmp_path)


def test_the_order_changes_what_is_trained_on(tmp_path: Path) -> None:
    """Newest first and oldest first are one series: the last fifth in time is tested on."""
    (tmp_path / "mine.csv").write_text("\n".join(lines()))
    forward = series.decode([tmp_path / "mine.csv"], 12, rises=False)
    (tmp_path / "mine.csv").write_text("\n".join([lines()[0], *lines()[:0:-1]]))
    turned = series.decode([tmp_path / "mine.csv"], 12, rises=False)
    assert np.array_equal(forward.arrays.y_test, turned.arrays.y_test)
