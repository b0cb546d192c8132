"""The framework table: every claim has evidence, and none is decided without data."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.claims import programs
from bench.claims.facts import ARTICLES, ClaimFacts
from bench.claims.judging import EVIDENCE, JudgedClaim, judge_all, together
from bench.claims.measure.dated import DATED_FACTS
from bench.claims.measure.dynamics import new_length_cost
from bench.claims.table import CLAIMS
from bench.discover import implementations
from bench.judge import questions
from bench.records.beside import EvidenceFile, LengthSeconds
from bench.records.door import parse
from bench.records.record import Outcome, failure_record
from bench.run.environments import PROJECT
from tasks.errors import UserError
from tests.support.records import about, certificate, job, record, results

NEEDS_NO_RUN = {"retired", "program_longest", "program_shortest"}
"""Evidence from dated facts, or from the programs in the repository."""


def evidence(answers: dict[str, Any]) -> EvidenceFile:
    """evidence.json with these answers, as the door reads it."""
    raw = {
        "schema": 2, "created": "2026-11-20T12:00:00+00:00", "threads": 2,
        "machine": about()["machine"], "answers": answers,
    }  # fmt: skip
    return parse(json.dumps(raw), EvidenceFile, "evidence.json")


def facts(records: list[Any] | None = None, answers: dict[str, Any] | None = None) -> ClaimFacts:
    run = replace(results(records or []), evidence=evidence(answers or {}))
    return ClaimFacts(run, programs.sizes(), partial(questions.against_best, run))


def answers(part: str, **by_framework: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{part}~{name}": {"request": {"part": part, "framework": name}, "answer": answer}
        for name, answer in by_framework.items()
    }


def judged(words: str, given: ClaimFacts) -> JudgedClaim:
    (found,) = [claim for claim in judge_all(given) if claim.claim.words == words]
    return found


def test_every_claim_of_the_articles_has_evidence_and_every_evidence_a_judge() -> None:
    for claim in CLAIMS:
        assert claim.evidence, claim.words
        assert set(claim.evidence) <= set(EVIDENCE), claim.words
    assert set(EVIDENCE) == {name for claim in CLAIMS for name in claim.evidence}
    for name, piece in EVIDENCE.items():
        assert piece.name == name
        assert piece.method and piece.rule


def test_the_articles_table_is_whole() -> None:
    assert {claim.framework for claim in CLAIMS} == set(ARTICLES)
    for framework in ARTICLES:
        sides = {claim.side for claim in CLAIMS if claim.framework == framework}
        assert sides == {"pro", "con"}


def test_without_data_nothing_is_decided() -> None:
    for claim in judge_all(facts()):
        for finding in claim.findings:
            if finding.evidence.name not in NEEDS_NO_RUN:
                assert finding.verdict == "undecided", finding
            assert finding.text


def test_dated_facts_have_a_source_and_a_day() -> None:
    for fact in DATED_FACTS:
        assert fact.source.startswith("https://")
        assert len(fact.seen) == 10


def test_evidence_that_points_both_ways_leaves_a_claim_open() -> None:
    assert together(["supported", "undecided"]) == "supported"
    assert together(["supported", "contradicted"]) == "undecided"
    assert together(["undecided", "undecided"]) == "undecided"
    assert together(["not measurable here"]) == "not measurable here"
    assert together([]) == "undecided"


def many(seconds: dict[str, float]) -> list[Any]:
    """Eight launches of each, in the division that its table has."""
    made = [record(n, block, s) for n, s in seconds.items() for block in range(8)]
    made += [certificate(name) for name in seconds]
    divisions = {row.name: row.division for row in implementations()}
    for each in made:
        asked = each["launch"]["job"]
        asked["division"] = divisions[asked["cell"]["implementation"]]
    return made


def test_efficient_follows_the_verdicts() -> None:
    fast = judged("Efficient", facts(many({"mxnet:gluon": 0.1, "keras:fit": 0.3})))
    assert fast.findings[0].verdict == "supported"
    slow = judged("Efficient", facts(many({"mxnet:gluon": 0.3, "keras:fit": 0.1})))
    assert slow.findings[0].verdict == "contradicted"


def test_a_tuned_row_says_nothing_of_the_program_that_is_counted() -> None:
    tuned = {"mxnet:hybrid": 0.01, "keras:tensorflow": 0.3}
    alone = judged("Efficient", facts(many(tuned)))
    assert [finding.verdict for finding in alone.findings] == ["undecided"] * 3
    both = judged("Efficient", facts(many(tuned | {"mxnet:gluon": 0.3, "keras:fit": 0.1})))
    assert both.findings[0].verdict == "contradicted"
    own = judged("Highly flexible", facts(many(tuned | {"tensorflow:graph": 0.1})))
    assert own.findings[0].verdict == "undecided"


def test_speed_and_size_name_the_same_program() -> None:
    """The row whose speed is judged runs the very programs whose lines are counted."""
    seconds = {"mxnet:gluon": 0.1, "keras:fit": 0.3, "tensorflow:function": 0.2}
    given = facts(many(seconds))
    lines = judged("User-friendly API", given).findings[0].text
    named = {name: programs.implementation(name) for name in given.sizes}
    assert set(seconds) <= set(named.values())
    assert all(name in lines for name in named.values())
    assert named["mxnet"] in judged("Efficient", given).findings[0].text
    method = judged("Highly flexible", given).findings[0].evidence.method
    assert named["tensorflow"] in method
    assert named["keras"] in method
    for framework, name in named.items():
        module = next(row.module for row in implementations() if row.name == name)
        folder = Path(PROJECT, *module.split(".")).parent
        sources = [path.read_text(encoding="utf-8") for path in folder.glob("documented*.py")]
        assert any(f"adapters.{framework}.programs" in source for source in sources), name


def joules(made: list[Any], by_name: dict[str, float | None]) -> list[Any]:
    """The same records with these joules a launch, 1 % more from block to block."""
    for each in made:
        launch = each["launch"]
        name, block = launch["job"]["cell"]["implementation"], launch["job"]["block"]
        value = by_name[name]
        launch["device_use"] = {} if value is None else {"joules": value * (1 + 0.01 * block)}
    return made


def energy(by_name: dict[str, float | None]) -> tuple[str, str]:
    given = facts(joules(many(dict.fromkeys(by_name, 0.1)), by_name))
    finding = judged("Efficient", given).findings[2]
    assert finding.evidence.name == "energy"
    return finding.verdict, finding.text


def test_energy_is_judged_where_launches_have_joules() -> None:
    assert energy({"mxnet:gluon": 40.0, "keras:fit": 80.0})[0] == "supported"
    assert energy({"mxnet:gluon": 80.0, "keras:fit": 40.0})[0] == "contradicted"
    assert energy({"mxnet:gluon": None, "keras:fit": 40.0})[0] == "undecided"
    verdict, text = energy({"mxnet:gluon": None, "keras:fit": None})
    assert verdict == "not measurable here"
    assert "no energy counter of the cpu was read" in text


def test_scores_speak_only_of_who_competed_and_often_enough() -> None:
    absent = many({"mxnet:hybrid": 0.1, "keras:tensorflow": 0.1})
    assert judged("Robust", facts(absent)).findings[1].verdict == "undecided"
    pair = ("tensorflow:graph", "keras:tensorflow")
    once = [record(name, 0) for name in pair]
    assert judged("Robust", facts(once)).findings[1].verdict == "undecided"
    often = many(dict.fromkeys(pair, 0.1))
    assert judged("Robust", facts(often)).findings[1].verdict == "supported"
    for each in often:
        if each["launch"]["job"]["cell"]["implementation"] == pair[0]:
            block = each["launch"]["job"]["block"]
            each["launch"].setdefault("readings", {})["test_score"] = 0.7 + 0.001 * block
    assert judged("Robust", facts(often)).findings[1].verdict == "contradicted"


def test_an_own_step_is_judged_beside_fit() -> None:
    def own(step: float, fit: float) -> str:
        made = many({"tensorflow:function": step, "keras:fit": fit})
        return judged("Highly flexible", facts(made)).findings[0].verdict

    assert own(0.1, 0.3) == "supported"
    assert own(0.3, 0.1) == "contradicted"


def test_robust_falls_with_one_bad_launch_when_others_had_none() -> None:
    good = many({"tensorflow:graph": 0.1, "keras:tensorflow": 0.1})
    assert judged("Robust", facts(good)).findings[0].verdict == "supported"
    bad = failure_record(job("tensorflow:graph", 9), Outcome("crash", "SIGSEGV"))
    assert judged("Robust", facts([*good, bad])).findings[0].verdict == "contradicted"
    also = failure_record(job("keras:tensorflow", 9), Outcome("crash", "SIGSEGV"))
    assert judged("Robust", facts([*good, bad, also])).findings[0].verdict == "undecided"


def lengths(first: float, again: float) -> dict[str, Any]:
    return {"first_seconds": [9.0] + [first] * 5, "again_seconds": [again] * 6}


@pytest.mark.parametrize(("first", "verdict"), [(1.2, "supported"), (30.0, "contradicted")])
def test_a_graph_is_dynamic_when_a_new_length_is_cheap(first: float, verdict: str) -> None:
    said = {"branch": "a plain Python `if`", "modes": {"eager": lengths(first, 1.0)}}
    found = judged("Dynamic computation graph", facts(answers=answers("dynamic", pytorch=said)))
    assert found.findings[0].verdict == verdict


def test_a_mode_that_did_not_run_decides_nothing() -> None:
    said = {"branch": "a plain Python `if`", "modes": {"eager": {"reason": "no compiler"}}}
    given = facts(answers=answers("dynamic", pytorch=said))
    found = judged("Dynamic computation graph", given)
    assert found.findings[0].verdict == "undecided"
    assert found.findings[1].verdict == "contradicted"


def exports(**formats: dict[str, Any]) -> dict[str, Any]:
    return {"formats": formats}


SAME, OTHER = {"error": 1e-7, "same": True}, {"error": 0.3, "same": False}
ELSEWHERE = {"reason": "needs onnx, which is another package"}


def test_formats_that_need_another_package_are_not_counted() -> None:
    given = answers("exports", keras=exports(a=SAME, b=SAME, onnx=ELSEWHERE))
    assert judged("Integrates well", facts(answers=given)).findings[0].verdict == "supported"
    given = answers("exports", keras=exports(a=SAME, b=OTHER, c=OTHER))
    assert judged("Integrates well", facts(answers=given)).findings[0].verdict == "contradicted"


def test_an_ecosystem_is_judged_against_the_others() -> None:
    two, one = exports(a=SAME, b=SAME), exports(a=SAME)
    given = answers("exports", pytorch=one, tensorflow=two)
    assert judged("Less mature ecosystem", facts(answers=given)).verdict == "supported"
    given = answers("exports", pytorch=two, tensorflow=one)
    assert judged("Less mature ecosystem", facts(answers=given)).verdict == "contradicted"
    given = answers("exports", pytorch=exports(a=SAME, onnx=ELSEWHERE), tensorflow=two)
    assert judged("Less mature ecosystem", facts(answers=given)).verdict == "undecided"


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(1.3, "supported"), (1.0, "contradicted"), (1.05, "undecided")]
)
def test_the_price_of_a_custom_step(ratio: float, verdict: str) -> None:
    noise = [1.0, 1.01, 0.99, 1.005, 0.995, 1.0, 1.02, 0.98, 1.0, 1.0, 1.01, 0.99]
    said = {"seconds": {"easy": [1.0] * 12, "custom": [ratio * n for n in noise]}}
    given = facts(answers=answers("custom_step", keras=said))
    assert judged("Less flexible for advanced users", given).verdict == verdict


def test_threads_need_intervals_that_exclude_one() -> None:
    def curve(framework: str, gain: float) -> dict[str, Any]:
        return {
            f"curve~{framework}~t~{threads}~{launch}": {
                "request": {"part": "curve", "framework": framework, "task": "t",
                            "threads": threads, "launch": launch},
                "answer": {"samples_per_second": {
                    "32": 100.0 * (gain if threads == 2 else 1.0) * (1 + 0.001 * launch * threads)
                }},
            }
            for threads in (1, 2)
            for launch in range(3)
        }  # fmt: skip

    given = facts(answers=curve("tensorflow", 1.9) | curve("mxnet", 1.2))
    assert judged("Scalable", given).findings[0].verdict == "supported"
    given = facts(answers=curve("tensorflow", 1.2) | curve("mxnet", 1.9))
    assert judged("Scalable", given).findings[0].verdict == "contradicted"
    given = facts(answers=curve("tensorflow", 1.5) | curve("mxnet", 1.5))
    assert judged("Scalable", given).findings[0].verdict == "undecided"


def test_an_error_that_names_both_sizes_is_a_good_one() -> None:
    said = {"raised": "ValueError", "message": "700 is not 784", "characters": 14}
    for names_both, verdict in ((True, "supported"), (False, "undecided")):
        given = facts(answers=answers("shape", pytorch=said | {"names_both": names_both}))
        assert judged("Intuitive", given).findings[0].verdict == verdict
    silent = {"raised": "", "message": "", "characters": 0, "names_both": False}
    given = facts(answers=answers("shape", pytorch=silent))
    assert judged("Intuitive", given).findings[0].verdict == "contradicted"


def test_the_cost_of_a_new_length_leaves_the_first_out() -> None:
    assert new_length_cost(LengthSeconds.model_validate_json(json.dumps(lengths(3.0, 1.0)))) == 3.0


@pytest.mark.parametrize(
    ("part", "answer", "field"),
    [
        (
            "shape",
            {"raised": "", "message": "", "characters": "9", "names_both": True},
            "characters",
        ),
        ("dynamic", {"branch": "if", "modes": {}}, "modes"),
        ("dynamic", {"branch": "if", "modes": {"eager": {"first_seconds": [1.0]}}}, "length"),
        ("custom_step", {"seconds": {"easy": [1.0, 1.0], "custom": [1.0]}}, "length"),
        ("curve", {"samples_per_second": {"32": -1.0}}, "32"),
    ],
)
def test_an_answer_that_is_none_is_refused_by_name(part: str, answer: Any, field: str) -> None:
    given = answers(part, keras=answer)
    given[f"{part}~keras"]["request"] |= {"threads": 2, "launch": 0}
    with pytest.raises(UserError, match=field) as caught:
        evidence(given)
    assert "evidence.json" in str(caught.value)
