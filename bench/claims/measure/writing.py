"""What a framework asks its user to write, and what it says when the user errs."""

from __future__ import annotations

from collections.abc import Mapping

from bench.claims import programs
from bench.claims.facts import NOT_MEASURED, ClaimFacts, ClaimVerdict, Conclusion, Evidence, each
from bench.claims.programs import ProgramSize
from bench.records.beside import ShapeAnswer

MOST_CHARACTERS = 160  # of an error message that is shown
NO_PROGRAM = "It has no programs in this repository, or no other framework has."


def _text(facts: ClaimFacts) -> str:
    def numbers(own: Mapping[str, ProgramSize]) -> str:
        return " ".join(f"{size.logical_lines}/{size.names}" for size in own.values())

    families = ", ".join(next(iter(facts.sizes.values())))
    rows = ", ".join(programs.implementation(framework) for framework in facts.sizes)
    return (
        f"Logical lines / interface names of {families}: {each(facts.sizes, numbers)}. "
        f"These programs are run as {rows}."
    )


def _over_families(facts: ClaimFacts, said: list[bool]) -> Conclusion:
    verdict: ClaimVerdict = "undecided"
    if not any(said):
        verdict = "contradicted"
    elif all(said):
        verdict = "supported"
    return Conclusion(verdict, _text(facts))


def program_longest(facts: ClaimFacts, framework: str) -> Conclusion:
    own = facts.sizes.get(framework, {})
    others = [sizes for name, sizes in facts.sizes.items() if name != framework]
    if not own or not others:
        return Conclusion("undecided", NO_PROGRAM)
    longest = [
        all(s.logical_lines > o[f].logical_lines and s.names > o[f].names for o in others)
        for f, s in own.items()
    ]
    return _over_families(facts, longest)


def program_shortest(facts: ClaimFacts, framework: str) -> Conclusion:
    own = facts.sizes.get(framework, {})
    others = [sizes for name, sizes in facts.sizes.items() if name != framework]
    if not own or not others:
        return Conclusion("undecided", NO_PROGRAM)
    shortest = [all(s.logical_lines <= o[f].logical_lines for o in others) for f, s in own.items()]
    return _over_families(facts, shortest)


def shape_error(facts: ClaimFacts, framework: str) -> Conclusion:
    error = facts.answer(ShapeAnswer, framework)
    if error is None:
        return Conclusion("undecided", NOT_MEASURED)
    if not error.raised:
        return Conclusion("contradicted", "No error was raised.")
    both = "names both sizes" if error.names_both else "does not name both sizes"
    whole = len(error.message) <= MOST_CHARACTERS
    short = error.message if whole else f"{error.message[:MOST_CHARACTERS]}…"
    text = f"{error.raised} of {error.characters} characters, which {both}: “{short}”"
    return Conclusion("supported" if error.names_both else "undecided", text)


_PROGRAMS = (
    "The same four tasks (fnn, cnn, rnn, lstm) written as the framework's tutorials write them "
    "(adapters/*/programs), counted by radon's logical lines and by the distinct names of the "
    "framework's interface. TensorFlow's use its core API; through its high-level API they "
    "would be Keras's programs."
)

EVIDENCE = (
    Evidence(
        "program_longest",
        _PROGRAMS,
        "Supported when its program is the longest in every family, in lines and in names; "
        "contradicted when it is so in none.",
        program_longest,
    ),
    Evidence(
        "program_shortest",
        _PROGRAMS,
        "Supported when no other program is shorter in any family, in lines; contradicted "
        "when another is shorter in every family.",
        program_shortest,
    ),
    Evidence(
        "shape_error",
        "Rows of 700 values are given to a layer that takes 784.",
        "Supported when an error is raised that names both numbers; contradicted when none "
        "is raised.",
        shape_error,
    ),
)
