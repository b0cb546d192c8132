"""What groups are asked, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.distributed import questions
from bench.distributed.questions import Wanted, steps
from tasks.errors import UserError
from tests.support import groups


@pytest.fixture
def wanted() -> Wanted:
    made = groups.wanted(groups.SCHEMES["pytorch:ddp"], "fnn-mnist", sizes=(1, 2, 4))
    return replace(made, launches=2, singles=questions.singles(made.schemes))


def test_certificates_come_first_then_a_loss_then_speeds(wanted: Wanted) -> None:
    kinds = [step.kind for step in steps(wanted)]
    assert kinds[:4] == ["certify"] * 3 + ["lose"]
    assert set(kinds[4:]) == {"measure", "alone"}
    assert {step.kind for step in steps(replace(wanted, certificates_only=True))} == {"certify"}


def test_no_group_is_asked_twice(wanted: Wanted) -> None:
    keys = [step.key for step in steps(wanted)]
    assert len(set(keys)) == len(keys)


def test_groups_that_share_cores_are_timed_once_and_last(wanted: Wanted) -> None:
    timed = [step for step in steps(wanted) if step.kind == "measure"]
    assert [step.question.size for step in timed].count(4) == 1
    assert timed[-1].question.size == 4
    threads = [(s.question.size, s.question.threads) for s in timed if s.launch == 1]
    assert threads == [(1, 1), (1, 2), (2, 1)]


def test_the_batch_is_the_tasks_own_and_in_one_launch_grows(wanted: Wanted) -> None:
    pairs = [s for s in steps(wanted) if s.kind == "measure" and s.question.size == 2]
    batches = [step.question.tasks[0]["batches"] for step in pairs]
    assert batches == [{"strong": 32, "weak": 64}, {"strong": 32}]


def test_a_frameworks_own_single_rows_stand_beside_its_schemes(wanted: Wanted) -> None:
    assert [single.name for single in wanted.singles] == ["pytorch:eager", "pytorch:loop"]


def test_only_certified_tasks_are_timed(wanted: Wanted) -> None:
    file = groups.file_of(groups.keyed(groups.certified("pytorch:ddp", 2)))
    timed = [s for s in steps(wanted) if s.kind == "measure"]
    sizes = {s.question.size for s in timed if questions.provable(s, file)}
    assert sizes == {2}


def test_schemes_are_found_by_name_or_framework() -> None:
    names = [scheme.name for scheme in questions.schemes(["pytorch", "jax:*"])]
    assert names == ["pytorch:ddp", "pytorch:fsdp", "jax:sharded"]
    assert len(questions.schemes(None)) >= 7
    with pytest.raises(UserError, match="no scheme matches 'none'"):
        questions.schemes(["none"])
