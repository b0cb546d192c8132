"""The articles' framework table with the evidence beside every claim, and the programs counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench import discover
from bench.claims import programs
from bench.claims.facts import ARTICLES, ClaimFacts
from bench.claims.judging import JudgedClaim, judge_all, together
from bench.records.results import Results
from bench.report.blocks import Beside, Block, Code, Details, Note, Section
from bench.report.context import Context

ORDER = 20
OF_DEPLOYMENTS = True
DEPLOYED = {"formats", "fewer_formats"}  # evidence
SIDES = (("pro", "Pros"), ("con", "Cons"))
INTRODUCTION = (
    "The articles' claims stand as they were made. Beside each: what was measured, by which rule "
    "it decides, and the verdict. Claims about what one machine cannot show say so."
)


def sections(results: Results, context: Context) -> list[Section]:
    """A part a framework of the articles, its claims under pros and cons."""
    judged = judge_all(ClaimFacts(results, programs.sizes(), context.judged))
    if results.about.request.routes:
        return _of_deployment(judged)
    titles = {framework.name: framework.title for framework in discover.frameworks()}
    blocks: list[Block] = [Note(INTRODUCTION)]
    for framework in ARTICLES:
        own = [one for one in judged if one.claim.framework == framework]
        blocks.append(Section(f"claims-{framework}", titles[framework], (_sides(own),)))
    if beyond := _beyond(results):
        blocks.append(Note(f"Beyond the articles, measured here too: {', '.join(beyond)}."))
    blocks.append(Details("The programs that were counted, side by side", _programs(titles)))
    return [Section("claims", "The articles' framework table, with evidence", tuple(blocks))]


def _of_deployment(judged: Sequence[JudgedClaim]) -> list[Section]:
    """The claims that a deployment has evidence for, and that evidence alone."""
    titles = {framework.name: framework.title for framework in discover.frameworks()}
    parts = []
    for one in judged:
        kept = tuple(found for found in one.findings if found.evidence.name in DEPLOYED)
        if kept:
            verdict = together([found.verdict for found in kept])
            told = _claim(replace(one, findings=kept, verdict=verdict))
            name = one.claim.framework
            parts.append(Section(f"claims-{name}", titles[name], (told,)))
    return [Section("claims", "What it says of the articles' claims", tuple(parts))]


def _sides(judged: Sequence[JudgedClaim]) -> Beside:
    return Beside(
        tuple(
            (heading, tuple(_claim(one) for one in judged if one.claim.side == side))
            for side, heading in SIDES
        )
    )


def _claim(judged: JudgedClaim) -> Details:
    blocks: list[Block] = []
    for finding in judged.findings:
        blocks.append(Note(finding.text, mark=finding.verdict))
        evidence = finding.evidence
        blocks.append(Note(f"Method: {evidence.method} Rule: {evidence.rule}", small=True))
    return Details(judged.claim.words, tuple(blocks), mark=judged.verdict)


def _beyond(results: Results) -> list[str]:
    """Implementations that the articles do not speak of."""
    names = results.about.request.implementations
    return [name for name in names if name.split(":")[0] not in ARTICLES]


def _programs(titles: dict[str, str]) -> tuple[Block, ...]:
    """A family after the other, in each the frameworks' programs."""
    sizes = programs.sizes()
    blocks: list[Block] = []
    for family in programs.FAMILIES:
        parts = []
        for framework, of_family in sizes.items():
            size = of_family[family]
            words = (
                f"{size.logical_lines} logical lines, {size.names} interface names, vocabulary "
                f"{size.vocabulary}"
            )
            text = programs.path(framework, family).read_text(encoding="utf-8")
            parts.append((f"{family}, {titles[framework]}: {words}", (Code(text, family),)))
        blocks.append(Beside(tuple(parts)))
    return tuple(blocks)
