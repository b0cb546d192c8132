"""Dated facts with their sources, what the installed package says, and what is not measured."""

from __future__ import annotations

from dataclasses import dataclass

from bench.claims.facts import ClaimFacts, Conclusion, Evidence
from bench.records.beside import PackageAnswer


@dataclass(frozen=True)
class DatedFact:
    """Something that was read at `source` and seen on `seen`."""

    framework: str
    text: str
    source: str
    seen: str
    retired: bool = False


DATED_FACTS = (
    DatedFact(
        "mxnet", "The last release, 1.9.1, is of 10 May 2022.",
        "https://github.com/apache/mxnet/releases", "2026-11-21",
    ),
    DatedFact(
        "mxnet", "The repository was archived on 17 November 2023.",
        "https://github.com/apache/mxnet/releases", "2026-11-21",
    ),
    DatedFact(
        "mxnet", "Its pages say that the project has retired to the Apache Attic.",
        "https://mxnet.apache.org/trusted_by", "2026-11-21", retired=True,
    ),
    DatedFact(
        "tensorflow", "2.20 was announced on 19 August 2025; the release here is later.",
        "https://blog.tensorflow.org/", "2026-11-21",
    ),
    DatedFact(
        "pytorch", "2.7.0 is of 23 April 2025; the release here is later.",
        "https://github.com/pytorch/pytorch/wiki/PyTorch-Versions", "2026-11-21",
    ),
    DatedFact(
        "keras", "3.14.0 was packaged by conda-forge on 3 April 2026; the release here is later.",
        "https://anaconda.org/conda-forge/keras/files", "2026-11-21",
    ),
)  # fmt: skip


def _of(framework: str) -> tuple[DatedFact, ...]:
    return tuple(fact for fact in DATED_FACTS if fact.framework == framework)


def _text(framework: str) -> str:
    return " ".join(f"{fact.text} ({fact.source}, seen {fact.seen})" for fact in _of(framework))


def releases(facts: ClaimFacts, framework: str) -> Conclusion:
    package = facts.answer(PackageAnswer, framework)
    own = ""
    if package is not None:
        pythons = package.pythons
        span = f"Python {pythons[0]} to {pythons[-1]}" if pythons else "no Python versions"
        own = f"The package here, {package.distribution} {package.version}, names {span}. "
    return Conclusion("undecided", own + _text(framework))


def retired(facts: ClaimFacts, framework: str) -> Conclusion:
    said = any(fact.retired for fact in _of(framework))
    return Conclusion("supported" if said else "undecided", _text(framework))


EVIDENCE = (
    Evidence(
        "releases",
        "Dated facts about releases, with their sources, and what the installed package "
        "says it supports.",
        "Shown, never decided: facts about releases do not measure maturity.",
        releases,
    ),
    Evidence(
        "retired",
        "Dated facts about the project, with their sources.",
        "Supported when its makers have declared it retired.",
        retired,
    ),
)
