"""What a deployment run says of each route: sizes and latencies of certified files. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from bench.records.deployment import DeployRecord


def served(records: Iterable[DeployRecord]) -> list[dict[str, Any]]:
    """One row a task and route: medians over launches, least and most; failures with their reason.

    bytes: of the exported file. Latency in microseconds, memory and sizes in bytes.
    """
    kept = list(records)
    sizes = {
        (r.task, r.route.framework, r.route.format): r.export.bytes
        for r in kept
        if r.stage == "export" and r.export is not None
    }
    groups: dict[tuple[str, str], list[DeployRecord]] = {}
    for record in kept:
        if record.stage == "serve":
            groups.setdefault((record.task, record.route.name), []).append(record)
    return [
        _row(launches, sizes.get((task, launches[0].route.framework, launches[0].route.format)))
        for (task, _), launches in groups.items()
    ]


def _row(launches: list[DeployRecord], size: int | None) -> dict[str, Any]:
    good = [r.served for r in launches if r.status == "ok" and r.served is not None]
    bad = [r for r in launches if r.status != "ok"]
    proofs = [r.proof.passed for r in launches if r.proof is not None]
    return {
        "task": launches[0].task,
        "route": launches[0].route.name,
        "framework": launches[0].route.framework,
        "certificate": "passed" if proofs and all(proofs) else "refused" if proofs else "",
        "status": bad[0].status if bad else "ok",
        "reason": bad[0].reason if bad else "",
        "bytes": size,
        "installed": _spread([one.installed_bytes for one in good]),
        "memory": _spread([one.peak_rss_bytes for one in good]),
        "latency": _spread([one.latency.p50 for one in good if one.latency is not None]),
    }


def _spread(values: list[float] | list[int]) -> list[float] | None:
    """Median, least, most, count; None of nothing."""
    return [median(values), min(values), max(values), len(values)] if values else None
