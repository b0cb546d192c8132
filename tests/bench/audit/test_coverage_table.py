"""The table of what the certificate covers, from made-up measurements."""

from __future__ import annotations

import pytest

from bench.audit.coverage import by_launch, document, rows, written

HONEST = [
    {"errors": {"outputs": 1e-7, "2_dropout rate": 2.0}, "passed": True},
    {"errors": {"outputs": 4e-7, "3_dropout rate": 1.0}, "passed": False},
]
VERDICTS: list[dict[str, object]] = [
    {"mutant": "a", "kind": "shapes", "refused_by": "outputs", "error": 4e-3, "bound": 1e-5},
    {"mutant": "b", "kind": "shapes", "refused_by": "outputs", "error": 8e-5, "bound": 1e-5},
    {"mutant": "c", "kind": "dropout", "refused_by": "5_dropout rate", "error": 18.0, "bound": 5.0},
    {"mutant": "d", "kind": "settings", "refused_by": "launch: threads", "bound": None},
]


def test_the_mildest_fault_stands_beside_the_worst_honest_work() -> None:
    dropout, shapes = rows(HONEST, VERDICTS)
    assert (shapes.check, shapes.faults, shapes.smallest, shapes.honest) == (
        "outputs",
        2,
        8e-5,
        4e-7,
    )
    assert shapes.margin == "2e+02"
    assert (dropout.check, dropout.honest, dropout.margin) == ("dropout rate", 2.0, "9")


def test_the_text_counts_what_was_refused_wrongly_and_says_what_is_not_seen() -> None:
    text = document(rows(HONEST, VERDICTS), by_launch(VERDICTS), 2, 1)
    assert "2 certificates of real tasks, 1 of them refused" in text
    assert "after `wait`: 1 of settings." in text
    assert "What it cannot see" in text


def test_only_what_is_between_the_marks_is_written() -> None:
    readme = "before\n<!-- coverage -->\nold\n<!-- /coverage -->\nafter\n"
    new = written(readme, "new")
    assert new == "before\n<!-- coverage -->\nnew\n<!-- /coverage -->\nafter\n"
    with pytest.raises(ValueError, match="coverage"):
        written("no marks", "new")
