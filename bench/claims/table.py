"""The articles' framework table as data: every claim, and the evidence that is put beside it.

The articles (TensorFlow, PyTorch, Keras and MXNet with their pros and cons) state opinions. Here
each is a `Claim` that names its evidence; `EVIDENCE` says how each piece is measured and by which
rule it decides, alike for every framework; `bench/claims/judging.py` applies the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["pro", "con"]


@dataclass(frozen=True)
class Claim:
    """What the articles say of a framework, and which evidence is asked about it."""

    framework: str
    side: Side
    words: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """`method`: what is measured and how. `rule`: when it supports the claim, and when it
    contradicts it; anything between stays undecided."""

    name: str
    method: str
    rule: str


CLAIMS = (
    Claim("tensorflow", "pro", "Highly flexible", ("own_step", "certified")),
    Claim("tensorflow", "pro", "Scalable", ("threads", "batches")),
    Claim("tensorflow", "pro", "Robust", ("endings", "seeds")),
    Claim("tensorflow", "con", "Steeper learning curve", ("program_longest",)),
    Claim("pytorch", "pro", "Intuitive", ("shape_error", "branch")),
    Claim("pytorch", "pro", "Dynamic computation graph", ("lengths", "branch")),
    Claim("pytorch", "con", "Less mature ecosystem", ("fewer_formats", "releases")),
    Claim("keras", "pro", "User-friendly API", ("program_shortest", "shape_error")),
    Claim("keras", "pro", "Integrates well", ("formats", "backends")),
    Claim("keras", "con", "Less flexible for advanced users", ("custom_step",)),
    Claim("mxnet", "pro", "Efficient", ("speed", "memory", "energy")),
    Claim("mxnet", "pro", "Supports distributed training", ("distributed",)),
    Claim("mxnet", "con", "Less popular", ("retired",)),
    Claim("mxnet", "con", "Smaller community", ("retired",)),
)

_PROGRAMS = (
    "The same four tasks (fnn, cnn, rnn, lstm) written as the framework's tutorials write them "
    "(adapters/examples), counted by radon's logical lines and by the distinct names of the "
    "framework's interface. TensorFlow's use its core API; through its high-level API they "
    "would be Keras's programs."
)
_FORMATS = (
    "A model is written in every format that the framework's own package knows, read again, and "
    "its outputs compared (1e-5 of the largest). Formats that need another package are not counted."
)

EVIDENCE = {
    e.name: e
    for e in (
        Evidence(
            "own_step",
            "Training by the user's own compiled step (tensorflow:graph) against Keras's fit on "
            "the same runtime, verdicts of this run.",
            "Supported when the own step is slower on no task and faster on at least one; "
            "contradicted when it is slower on more than half of them.",
        ),
        Evidence(
            "certified",
            "Tasks of this run whose certificate the framework passed.",
            "Supported when it passed all; contradicted when it failed one that others passed.",
        ),
        Evidence(
            "threads",
            "Training throughput with all threads over that with one, three tasks, "
            "three processes each, beside the other frameworks'.",
            "Supported when its gain is above every other's on more than half of the tasks, the "
            "95 % intervals of the ratios of gains excluding 1; contradicted when it is below "
            "some other's on more than half.",
        ),
        Evidence(
            "batches",
            "Training throughput at batch 512 over that at batch 16, three tasks, one process.",
            "Shown, never decided: one process gives no interval.",
        ),
        Evidence(
            "endings",
            "How many launches of the run ended well, beside the other frameworks'.",
            "Supported when all did; contradicted when one failed and another framework's did "
            "all end well.",
        ),
        Evidence(
            "seeds",
            "Test scores over the seeds: verdicts against the best contender of each task.",
            "Supported when it is worse on no task; contradicted when it is on one.",
        ),
        Evidence(
            "program_longest",
            _PROGRAMS,
            "Supported when its program is the longest in every family, in lines and in names; "
            "contradicted when it is so in none.",
        ),
        Evidence(
            "program_shortest",
            _PROGRAMS,
            "Supported when no other program is shorter in any family, in lines; contradicted "
            "when another is shorter in every family.",
        ),
        Evidence(
            "shape_error",
            "Rows of 700 values are given to a layer that takes 784.",
            "Supported when an error is raised that names both numbers; contradicted when none "
            "is raised.",
        ),
        Evidence(
            "branch",
            "A network that uses a layer only where its data asks for it, trained: how the "
            "condition is written.",
            "Supported when the framework's usual mode takes Python's own `if`; contradicted when "
            "it cannot express it.",
        ),
        Evidence(
            "lengths",
            "Seconds of a training step on sequences of a length never seen, over that on one "
            "seen before, median of 15 lengths, in every mode.",
            "Supported when a new length costs less than twice a known one in the usual mode; "
            "contradicted when it costs twice or more.",
        ),
        Evidence(
            "fewer_formats",
            _FORMATS,
            "Supported when fewer of its formats come back than of some other framework's, even if "
            "those not tried would have; contradicted when no other has more.",
        ),
        Evidence(
            "formats",
            _FORMATS,
            "Supported when every counted format comes back and at least two do; contradicted "
            "when more than half fail.",
        ),
        Evidence(
            "backends",
            "On how many backends its implementations were certified in this run.",
            "Supported when on two or more; with one the question stays open.",
        ),
        Evidence(
            "custom_step",
            "An epoch of fit with a training step of the user's own over one with Keras's, "
            "12 pairs in turns in one process.",
            "Supported when the 95 % interval lies above 1.05; contradicted when it lies below.",
        ),
        Evidence(
            "speed",
            "Verdicts of this run on training and inference throughput: on how many tasks it "
            "leads or is not told apart from the leader.",
            "Supported when on more than half of the tasks; contradicted when it is slower "
            "beyond doubt on more than half.",
        ),
        Evidence(
            "memory",
            "Verdicts of this run on peak memory, counted alike.",
            "Supported when it leads on more than half of the tasks; contradicted when it is "
            "heavier beyond doubt on more than half.",
        ),
        Evidence(
            "energy",
            "Joules a sample, from the processor's own counters.",
            "Not measured by this suite: shared machines do not let a guest read them.",
        ),
        Evidence(
            "distributed",
            "This suite has no task that scales over machines.",
            "Not measured until it has one.",
        ),
        Evidence(
            "releases",
            "Dated facts about releases, with their sources, and what the installed package "
            "says it supports.",
            "Shown, never decided: facts about releases do not measure maturity.",
        ),
        Evidence(
            "retired",
            "Dated facts about the project, with their sources.",
            "Supported when its makers have declared it retired.",
        ),
    )
}


@dataclass(frozen=True)
class Fact:
    """Something that was read at `source` and seen on `seen`."""

    framework: str
    text: str
    source: str
    seen: str
    retired: bool = False


FACTS = (
    Fact(
        "mxnet", "The last release, 1.9.1, is of 10 May 2022.",
        "https://github.com/apache/mxnet/releases", "2026-11-21",
    ),
    Fact(
        "mxnet", "The repository was archived on 17 November 2023.",
        "https://github.com/apache/mxnet/releases", "2026-11-21",
    ),
    Fact(
        "mxnet", "Its pages say that the project has retired to the Apache Attic.",
        "https://mxnet.apache.org/trusted_by", "2026-11-21", retired=True,
    ),
    Fact(
        "tensorflow", "2.20 was announced on 19 August 2025; the release here is later.",
        "https://blog.tensorflow.org/", "2026-11-21",
    ),
    Fact(
        "pytorch", "2.7.0 is of 23 April 2025; the release here is later.",
        "https://github.com/pytorch/pytorch/wiki/PyTorch-Versions", "2026-11-21",
    ),
    Fact(
        "keras", "3.14.0 was packaged by conda-forge on 3 April 2026; the release here is later.",
        "https://anaconda.org/conda-forge/keras/files", "2026-11-21",
    ),
)  # fmt: skip
