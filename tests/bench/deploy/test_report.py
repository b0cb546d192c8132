"""Routes, plans and the report's section, from made-up records."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from adapters.base import Export
from bench.deploy import routes
from bench.deploy.plan import ExportJob, export_jobs, serve_jobs
from bench.deploy.results import ratio, route_results
from bench.records.deployment import DeployRecord, RouteFacts, identity
from bench.records.door import parse
from bench.records.results import Results
from bench.report.blocks import Document
from bench.report.context import context
from bench.report.figures import deployment as figure
from bench.report.layouts import markdown
from bench.report.sections import deployment as section
from tasks.errors import UserError
from tests.support import records

ORT = "pytorch:onnx:onnxruntime"
NARROW = "pytorch:onnx-int8-dynamic:onnxruntime"
FIXED = "keras:litert:litert"
NONE = "mxnet:saved-model:tensorflow"
FAILED = "jax:openvino:openvino"
NAMES = (ORT, NARROW, FIXED, NONE, FAILED)


def record(stage: str, name: str, launch: int = 0, **parts: Any) -> DeployRecord:
    route = RouteFacts.of(name)
    if stage == "export":
        route = RouteFacts(framework=route.framework, format=route.format)
    known = identity(stage, "fnn-mnist", route, launch)  # type: ignore[arg-type]
    raw = {
        "schema": 2, "id": known, "stage": stage, "task": "fnn-mnist", "launch": launch,
        "route": route.model_dump(), "status": "ok", "reason": "", "made": "2026-11-26T04:00:00",
    }  # fmt: skip
    return parse(json.dumps(raw | parts), DeployRecord, known)


def export(name: str, **facts: Any) -> DeployRecord:
    written = {"seconds": 1.5, "bytes": 4096, "layout": "canonical", "dtype": "float32"}
    return record("export", name, export=written | facts)


def served(name: str, launch: int, p50: float, lost: float | None = None) -> DeployRecord:
    check = {"name": "outputs, batch of 7", "error": 1e-7, "bound": 1e-5, "passed": True}
    if lost is not None:
        check = {"name": "score lost", "error": lost, "bound": 0.01, "passed": True}
    facts = {
        "import": 0.1, "load": 0.02, "first": 0.01, "peak_rss_bytes": 2**27,
        "installed_bytes": 2**28, "settings": {"threads": 1}, "score": 0.93, "full_score": 0.93,
        "latency": {"count": 100, "p50": p50, "p90": 2 * p50, "p99": 3 * p50},
        "rows_per_second": 1e5,
    }  # fmt: skip
    proof = {"passed": True, "reason": "", "checks": [check]}
    return record("serve", name, launch, served=facts, proof=proof)


def results() -> Results:
    found = records.results([records.record()])
    request = replace(found.about.request, routes=NAMES, tasks=("fnn-mnist",))
    about = found.about.model_copy(update={"request": request})
    deployments = (
        export(ORT), export(NARROW), export(FIXED, batch=1, words="Flex is lacking"),
        record("export", NONE, status="unsupported", reason="no such converter"),
        record("export", FAILED, status="error", reason="RuntimeError: no attribute 'f'"),
        *(served(ORT, launch, 10.0 + launch / 10) for launch in range(3)),
        *(served(NARROW, launch, 20.0 + launch / 10, lost=0.002) for launch in range(3)),
        served(FIXED, 0, 15.0),
    )  # fmt: skip
    return replace(found, about=about, deployments=deployments, cells=())


def test_every_route_has_a_word_and_a_reason() -> None:
    words = {one.route.name: (one.word, one.reason) for one in route_results(results())}
    assert words[ORT] == ("certified", "")
    assert words[FIXED] == ("fixed", "only batch 1: Flex is lacking")
    assert words[NONE] == ("none", "no such converter")
    assert words[FAILED] == ("failed", "RuntimeError: no attribute 'f'")


def test_a_lower_precision_is_told_beside_the_full_one() -> None:
    by_name = {one.route.name: one for one in route_results(results())}
    times = ratio(by_name[ORT], by_name[NARROW])
    assert times and times.value == pytest.approx(0.5, abs=0.01)
    table = section._narrowed(list(by_name.values()))
    ((name, word, full, own, strict, speed, size),) = table.rows
    assert (name, word, full, own, strict, size) == (
        NARROW, "certified", "0.93", "0.93", "no", "1.00",
    )  # fmt: skip
    assert speed.startswith("1.99 times slower") or speed.startswith("2.00 times slower")


def test_the_section_says_what_works_and_why_the_rest_does_not() -> None:
    found = results()
    parts = section.sections(found, context(found))
    text = markdown.text(Document("t", "s", found.about.created, "lead", tuple(parts)))
    for words in ("1 certified", "1 fixed", "1 none", "1 failed", "RuntimeError: no attribute"):
        assert words in text, words
    assert section.sections(replace(found, deployments=()), context(found)) == []


def test_the_figure_joins_what_nothing_beats() -> None:
    found = results()
    names = [one.route.name for one in figure.front(route_results(found)[:3])]
    assert names == [ORT]
    assert figure.draw(found) is not None
    assert figure.draw(replace(found, deployments=())) is None


def test_routes_are_asked_for_by_their_beginning() -> None:
    names = {route.name for route in routes.matching(["pytorch:onnx"])}
    assert ORT in names
    assert "pytorch:onnx:openvino:bf16" in names
    assert {route.framework for route in routes.matching(["*:onnx:onnxruntime"])} == {
        "tensorflow", "pytorch", "keras", "mxnet", "jax",
    }  # fmt: skip
    with pytest.raises(UserError, match="no route matches 'none'"):
        routes.matching(["none"])
    with pytest.raises(UserError, match="no route a:b:c"):
        routes.named(["a:b:c"])


def test_every_framework_is_crossed_with_every_format() -> None:
    formats = routes.formats()
    assert len(formats) >= 8
    for framework in routes.exporting():
        assert {r.format for r in routes.every() if r.framework == framework.name} == set(formats)
    assert routes.export_of("mxnet", "saved-model") == Export(
        "saved-model", refused="MXNet has no converter to this format"
    )


def test_what_is_made_from_another_file_comes_behind_it() -> None:
    jobs = export_jobs(["fnn-mnist"], routes.named([NARROW]))
    assert jobs == [
        ExportJob("fnn-mnist", "pytorch", "onnx"),
        ExportJob("fnn-mnist", "pytorch", "onnx-int8-dynamic", "onnx"),
    ]


def test_every_route_comes_once_before_any_comes_twice() -> None:
    jobs = list(serve_jobs(["a", "b"], routes.named([ORT, FIXED]), 2))
    assert [job.launch for job in jobs] == [0] * 4 + [1] * 4
    assert [job.id for job in jobs[:2]] != [job.id for job in jobs[-2:]]
    assert len({job.id for job in jobs}) == 8
