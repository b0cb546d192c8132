"""Certificates as blocks: every check with its bound and each contender's error."""

from __future__ import annotations

from bench.records.parts import CheckRecord
from bench.records.results import Results
from bench.report.blocks import Column, Details, Table, label


def of_task(results: Results, task: str) -> Details | None:
    """Checks × implementations: measured error, beside the bound; None without a certificate."""
    errors: dict[str, dict[str, str]] = {}
    bounds: dict[str, str] = {}
    certified = [(r.cell.implementation, r.certificate) for r in results.of_task(task)]
    names = [name for name, certificate in certified if certificate is not None]
    for name, certificate in certified:
        for check in certificate.checks if certificate else ():
            errors.setdefault(check.name, {})[name] = _error(check)
            bounds[check.name] = f"{check.bound:.0e}"
    if not errors:
        return None
    rows = tuple(
        (check, bounds[check], *(by_name.get(name, "") for name in names))
        for check, by_name in errors.items()
    )
    columns = (label("check"), Column("bound"), *map(Column, names))
    table = Table(f"Certificate of {task}", columns, rows)
    return Details("Certificate: every check, bound and error", (table,))


def _error(check: CheckRecord) -> str:
    error = "not finite" if check.error is None else f"{check.error:.1e}"
    return error if check.passed else f"{error} refused"
