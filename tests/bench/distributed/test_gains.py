"""What several processes gain, from records; and what the report and the claim make of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bench.claims.facts import ClaimFacts
from bench.claims.judging import judge_all
from bench.distributed import gains
from bench.records.groups import DistributedFile
from bench.records.results import Results
from bench.report import several
from bench.report.blocks import Notes, Section, Table
from bench.report.context import context
from bench.report.sections import distributed
from tasks.errors import UserError
from tests.support.groups import certified, file_of, keyed, lost, timed, usual
from tests.support.records import results

NAME = "mxnet:dist-sync"


def whole(groups: dict[str, Any]) -> Results:
    return replace(results([]), distributed=file_of(groups))


def scaling(file: DistributedFile, size: int) -> gains.Scaling:
    return next(one for one in gains.scalings(file) if one.size == size)


def test_speeds_are_held_against_one_process_and_the_best() -> None:
    two = scaling(file_of(usual()), 2)
    assert two.over_one is not None
    assert two.over_best is not None
    assert two.over_one.value == pytest.approx(0.1 / 0.06, rel=0.03)
    assert two.over_best.value == pytest.approx(0.05 / 0.06, rel=0.03)
    assert two.best == "pytorch:eager, 2 threads"
    assert two.over_one.low < two.over_one.value < two.over_one.high
    assert two.speed == pytest.approx(640 / 0.06, rel=0.03)


def test_weak_scaling_and_the_share_of_averaging() -> None:
    two = scaling(file_of(usual()), 2)
    # 1280 samples in 0.09 s by two, 640 in 0.1 s by one.
    assert two.weak == pytest.approx((1280 / 0.09) / (2 * 640 / 0.1), rel=0.03)
    assert two.reduction == pytest.approx(20 / 200, rel=0.03)
    assert two.start == pytest.approx(1.75)
    assert two.cores
    assert not scaling(file_of(usual()), 4).cores


def test_what_is_not_certified_is_not_compared() -> None:
    file = file_of(usual())
    assert gains.certified(file, NAME, 2, "fnn-mnist") is False
    assert gains.certified(file, NAME, 4, "fnn-mnist") is None
    assert {one.scheme for one in gains.scalings(file)} == {"pytorch:ddp"}


def test_the_report_shows_all_of_it() -> None:
    made = whole(usual())
    (section,) = distributed.sections(made, context(made))
    proofs, dead = (block for block in section.blocks if isinstance(block, Table))
    (of_task,) = (block for block in section.blocks if isinstance(block, Section))
    speeds = of_task.blocks[0]
    assert isinstance(speeds, Table)
    assert of_task.title.endswith("fnn-mnist")
    assert proofs.rows[0] == ("pytorch:ddp", "fnn-mnist", "1.0e-07", "1.0e-07", "1.0e-07")
    assert proofs.rows[1] == (NAME, "fnn-mnist", "1.0e-07", "refused", "–")
    assert [row[1] for row in speeds.rows] == ["2", "4 (shared)"]
    assert [row[:4] for row in dead.rows] == [
        ("pytorch:ddp", "error", "0.20", "0"), (NAME, "hang", "4.20", "0"),
    ]  # fmt: skip
    (failed,) = (block for block in section.blocks if isinstance(block, Notes))
    assert failed.lines[0].startswith(f"certify {NAME}, 2 processes: unverified: gradients")


def test_a_run_without_groups_says_nothing_of_them() -> None:
    made = results([])
    assert distributed.sections(made, context(made)) == []


def test_sentences_name_who_did_the_work_and_who_hangs() -> None:
    work, speed, dead = several.sentences(file_of(usual()))
    assert work == (
        "Every group of 2 and 4 processes did the whole batch's work: pytorch:ddp. "
        f"Not certified: {NAME}."
    )
    assert "above 1): none, of 1 groups" in speed
    assert dead.endswith(f"hang until they are killed in {NAME}.")
    faster = several.sentences(file_of(usual(pair=0.03)))[1]
    assert "pytorch:ddp on fnn-mnist (2)" in faster


def claim(groups: dict[str, Any] | None) -> tuple[str, str]:
    made = results([]) if groups is None else whole(groups)
    judged = judge_all(ClaimFacts(made, {}, context(made).judged))
    (found,) = (j for j in judged if j.claim.words == "Supports distributed training")
    return found.verdict, found.findings[0].text


def mxnet(seconds: float, passed: bool = True) -> dict[str, Any]:
    """One process takes 0.1 s a round, two take `seconds`."""
    found = [certified(NAME, size, passed) for size in (2, 4)] + [lost(NAME, "hang", 4.2)]
    for launch in range(3):
        found += [timed(NAME, 1, 0.1 + 0.001 * launch, launch), timed(NAME, 2, seconds, launch)]
    return keyed(*found)


def test_the_claim_is_judged_by_certificates_and_speed() -> None:
    verdict, text = claim(mxnet(0.06))
    assert verdict == "supported"
    assert "mxnet:dist-sync 2/2" in text
    assert "on a machine with 2 cores: fnn-mnist 1.6" in text
    assert "When a peer is killed: mxnet:dist-sync hangs (4.2 s)." in text
    assert claim(mxnet(0.15))[0] == "contradicted"
    assert claim(mxnet(0.101))[0] == "undecided"
    assert claim(mxnet(0.06, passed=False))[0] == "contradicted"
    assert claim(keyed(certified(NAME, 2)))[0] == "undecided"


def test_the_claim_is_open_where_nothing_was_measured() -> None:
    assert claim(None)[0] == "undecided"
    assert "bench distribute RUN" in claim(keyed(certified("pytorch:ddp", 2)))[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "ok", "tasks": {}},  # without a certificate
        {"size": 0},
        {"kind": "lose"},  # without how it was lost
        {"tasks": {"fnn-mnist": {"strong": {"samples": 1, "seconds": [0.0]}}}},
    ],
)
def test_the_door_refuses_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="no distributed training of this suite"):
        file_of(keyed(certified(NAME, 2) | wrong))


def test_a_file_of_a_newer_schema_is_refused() -> None:
    from bench.records.door import parse

    with pytest.raises(UserError, match="newer version"):
        parse(json.dumps({"schema": 99}), DistributedFile, "distributed.json")
