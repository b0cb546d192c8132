"""The small parts of the proof: settings, plausible rates, distinct rows, memo, more draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adapters.reference.oracle import Reference
from bench.proof import memo as memo_module
from bench.proof.certify import Group, certify, settled
from bench.proof.checks import Check
from bench.proof.memo import Memo, rows_digest
from bench.proof.narrow import cropped, narrowed
from bench.proof.plausible import ALLOWANCE, implausible
from bench.proof.rows import distinct_rows
from bench.proof.settings import unlike_job
from bench.proof.trial import Trial
from tasks.catalogue.cnn import CATS_DOGS
from tests.support.small import FNN, random_rows

HONEST: dict[str, str | int | float | bool] = {
    "version": "2.1",
    "device": "cpu",
    "precision": "fp32",
    "threads": 2,
}


def test_settings_of_the_job_are_accepted() -> None:
    assert unlike_job(HONEST, "cpu", "fp32", 2) == ""


@pytest.mark.parametrize(
    "other", [{"device": "cuda"}, {"precision": "fp16"}, {"threads": 99}, {"version": ""}]
)
def test_other_settings_are_named(other: dict[str, str | int | float | bool]) -> None:
    name, value = next(iter(other.items()))
    reason = unlike_job(HONEST | other, "cpu", "fp32", 2)
    assert name in reason and str(value) in reason


def test_settings_that_are_not_said_are_named() -> None:
    assert "threads is not said" in unlike_job({"version": "1"}, "cpu", "fp32", 2)


def test_a_rate_over_the_machine_is_implausible() -> None:
    assert implausible(9e10, 1e11) == implausible(ALLOWANCE * 1e11, 1e11) == ""
    assert "4.0 times" in implausible(4e11, 1e11)
    assert implausible(3e11, None) == ""


@pytest.mark.parametrize("kind", ["f", "i"])
def test_rows_are_distinct_however_many_are_asked_for(kind: str) -> None:
    rng = np.random.default_rng(0)
    real, words = rng.random((50, 9), np.float32) + 0.5, rng.integers(0, 1000, (50, 9))
    x = real if kind == "f" else words.astype(np.int32)
    found = distinct_rows(x, 180, seed=3)
    assert found.shape == (180, 9) and found.dtype == x.dtype
    assert len(np.unique(found, axis=0)) == 180
    assert not np.array_equal(found, distinct_rows(x, 180, seed=4))


def test_an_answer_is_computed_once_and_kept_on_disk(tmp_path: Path) -> None:
    asked = []

    def compute() -> dict[str, np.ndarray]:
        asked.append(1)
        return {"a/kernel": np.arange(3.0), "loss": np.array(0.5)}

    question = f"of {tmp_path}"
    first = Memo(tmp_path).answer(question, compute)
    again = Memo(tmp_path).answer(question, compute)
    assert len(asked) == 1 and again is first
    kept = list(tmp_path.glob("*.npz"))
    assert len(kept) == 1
    with np.load(kept[0]) as stored:
        assert np.array_equal(stored["a/kernel"], first["a/kernel"])
    Memo(tmp_path).answer(question + " another", compute)
    assert len(asked) == 2


def test_half_a_file_is_no_answer(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "fresh")
    certify(Reference(precision="fp32"), FNN, *random_rows(FNN), seed=41, kept=memo.folder)
    for path in (tmp_path / "fresh").glob("*.npz"):
        path.write_bytes(path.read_bytes()[:40])
    memo_module._kept.clear()  # what this process has of them
    certificate = certify(
        Reference(precision="fp32"), FNN, *random_rows(FNN), seed=41, kept=memo.folder
    )
    assert certificate.passed


ADAPTER = Reference(precision="fp32")


def trial() -> Trial:
    x, y = random_rows(FNN)
    return Trial(ADAPTER, Reference(), FNN, x, y, x, 1, rows_digest(x, y))


def group_of(errors: list[float], of_float32: Sequence[float] = (1e-6,) * 5) -> Group:
    """Checks that find these errors, one a draw; and those of the oracle in float32."""
    left = list(errors)
    own = list(of_float32)

    def checks(t: Trial) -> list[Check]:
        is_float32 = t.adapter is not ADAPTER
        return [Check("c", (own if is_float32 else left).pop(0), 1e-4, again_up_to=1e-2)]

    return Group("made", checks)


def test_bad_luck_in_one_draw_is_seen_through_and_said() -> None:
    check = settled(group_of([2e-4, 1e-6, 3e-4, 3e-6, 1e-6]), trial())[0]
    assert check.passed and check.error == 3e-6
    assert "2.0e-04" in check.detail and "median of 5" in check.detail


def test_no_draw_is_made_that_can_change_nothing() -> None:
    check = settled(group_of([2e-4, 1e-6, 1e-6, 3e-6]), trial())[0]
    assert check.passed and "median of 4" in check.detail


def test_a_fault_in_most_draws_is_refused() -> None:
    assert not settled(group_of([2e-4, 1e-6, 3e-4, 3e-4, 1e-6]), trial())[0].passed


def test_what_float32_itself_cannot_keep_is_asked_of_nobody() -> None:
    errors = [2e-4, 1e-6, 3e-4, 3e-4, 1e-6]
    check = settled(group_of(errors, (1e-4,) * 5), trial())[0]
    assert check.passed and check.bound == 4e-4
    assert "float32 itself errs by 1.0e-04" in check.detail
    assert not settled(group_of(errors, (4e-5,) * 5), trial())[0].passed


def test_a_large_error_gets_no_second_draw() -> None:
    assert settled(group_of([2e-2]), trial())[0].error == 2e-2


def test_a_draw_that_is_no_number_is_refused() -> None:
    assert not settled(group_of([2e-4, float("nan"), 1e-6, 1e-6, 1e-6]), trial())[0].passed


def test_costly_tasks_are_narrowed_and_cheap_ones_left() -> None:
    assert narrowed(FNN) is FNN
    narrow = narrowed(CATS_DOGS)
    assert narrow.input_shape == (24, 24, 3)
    assert [type(layer) for layer in narrow.layers] == [type(layer) for layer in CATS_DOGS.layers]
    assert narrow.layers[-1] == CATS_DOGS.layers[-1]
    assert narrow == replace(CATS_DOGS, input_shape=(24, 24, 3), layers=narrow.layers)
    images = np.zeros((2, *CATS_DOGS.input_shape), np.float32)
    images[:, 63:87, 63:87] = 1
    assert cropped(images, narrow).shape == (2, 24, 24, 3) and cropped(images, narrow).all()
    assert cropped(images, CATS_DOGS) is images
