"""The printed table: columns of the metrics, and each number the metric's own."""

from __future__ import annotations

import pytest

from bench.records.beside import EvidenceFile
from bench.records.metrics import metric
from bench.records.record import Outcome, Record, failure_record
from bench.records.results import CellResult, Results
from bench.report import cell_table
from bench.report.document import document
from bench.report.layouts import markdown
from tests.support.records import about, certificate, job, record, results

HEADINGS = [column.heading for column in cell_table.COLUMNS]


def shown(result: CellResult) -> dict[str, str]:
    return dict(zip(HEADINGS, cell_table.row(result), strict=True))


def one(*records: Record) -> CellResult:
    (result,) = results(records).contenders
    return result


def test_the_columns_stand_in_their_order() -> None:
    assert HEADINGS == [
        "implementation", "certificate", "score", "to target s", "train samples/s", "± 95 %",
        "step p50 ms", "infer samples/s", "infer p50 µs", "p99 µs", "cold start s", "memory MiB",
    ]  # fmt: skip


def test_a_cold_start_is_one_number() -> None:
    """Geometric means of the parts do not add up to that of the whole: the metric's is shown, in
    the table as in the tidy data."""
    launches = []
    for block, (loading, step) in enumerate([(1.0, 9.0), (9.0, 1.0)]):
        launches.append(record("pytorch:eager", block))
        launches[-1]["launch"]["seconds"] |= {"import": loading, "build": 0.5, "first_step": step}
    result = one(*launches)
    whole = result.estimate("cold_start")
    parts = [result.estimate(name) for name in ("import", "build", "first_step")]
    assert whole is not None and whole.value == pytest.approx(10.5)
    assert sum(e.value for e in parts if e) == pytest.approx(6.5)
    assert shown(result)["cold start s"] == "10.50"


def test_every_number_is_its_metrics_estimate() -> None:
    result = one(*(record("pytorch:eager", block, 0.1 + 0.01 * block) for block in range(3)))
    texts = shown(result)
    for m in cell_table.SHOWN:
        estimate = result.estimate(m)
        assert m.column is not None and estimate is not None
        assert texts[m.column.heading] == m.column.text(estimate.value), m.name
    speed = result.estimate("train_throughput")
    assert speed is not None and texts["± 95 %"] == f"{speed.half_width:.1%}"


def test_a_target_missed_in_some_launches_is_counted() -> None:
    launches = [record("pytorch:eager", block) for block in range(3)]
    launches[1]["launch"]["readings"]["time_to_target"] = None
    assert shown(one(*launches))["to target s"] == "2 of 3 runs"
    for launch in launches:
        launch["launch"]["readings"] |= {"target": None, "time_to_target": None}
    assert shown(one(*launches))["to target s"] == ""


def test_one_launch_has_no_interval() -> None:
    assert shown(one(record()))["± 95 %"] == "1 launch"


def test_a_cell_without_numbers_says_why() -> None:
    failed = failure_record(job("keras:tensorflow"), Outcome("timeout", "stopped"))
    assert cell_table.row(one(failed))[:3] == ("keras:tensorflow", "timeout", "")
    refused = cell_table.row(one(certificate(passed=False)))
    assert refused[:3] == ("pytorch:eager", "refused", "unverified")
    waiting = cell_table.row(one(certificate()))
    assert waiting[:3] == ("pytorch:eager", "passed", "pending")


def test_a_launch_without_a_phase_leaves_its_column_empty() -> None:
    bare = record()
    bare["benchmarks"] = [x for x in bare["benchmarks"] if x["extra_info"]["phase"] != "train"]
    texts = shown(one(bare))
    assert texts["train samples/s"] == texts["± 95 %"] == ""
    assert texts["cold start s"] == "1.30"


def test_the_fastest_stands_first_and_the_failed_last() -> None:
    failed = failure_record(job("keras:tensorflow"), Outcome("timeout", "stopped"))
    made = results([failed, record("mxnet:hybrid", 0, 0.2), record("pytorch:eager", 0, 0.1)])
    names = [r.cell.implementation for r in cell_table.ordered(made.of_task("fnn-mnist"))]
    assert names == ["pytorch:eager", "mxnet:hybrid", "keras:tensorflow"]


def test_the_ceiling_is_told_by_a_share() -> None:
    """Of a run that kept it in its evidence, as runs did at first."""
    rate = {"flops": 2e12, "copy_bytes_per_second": 4e10}
    raw = about()
    entry = {"request": {"part": "ceiling", "framework": "pytorch"}, "answer": rate}
    evidence = EvidenceFile.model_validate(
        {
            "schema": 2, "created": raw["created"], "machine": raw["machine"], "threads": 2,
            "answers": {"ceiling~pytorch": entry},
        }
    )  # fmt: skip
    made = results([record()])
    run = Results.of(made.about, made.launches, None, evidence)
    text = markdown.text(document(run))
    assert "Ceiling: a large matrix product runs at 2,000 GFLOP/s in fp32 (pytorch)" in text
    flops = run.contenders[0].estimate("train_flops")
    assert flops is not None and metric("train_flops").unit == "FLOP/s"
    assert f"| {flops.value / 1e9:.3g} | {100 * flops.value / 2e12:.2g}% |" in text
