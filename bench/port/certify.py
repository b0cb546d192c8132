"""Two programs that claim to be one model: where they part."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import discover
from bench.port import backward, dropping, forward, training
from bench.port.ask import Asking, Numbers, ask
from bench.port.interpreter import interpreter
from bench.port.program import read
from bench.port.stage import Stage, part, untold
from bench.run.environments import HERE, Source
from tasks.errors import UserError

RANDOM = 1e-3  # of the first loss: more than rounding does


@dataclass(frozen=True)
class Comparing:
    """A comparison, and those without which it would only repeat them."""

    compare: Callable[[Numbers, Numbers], Stage]
    name: str
    after: tuple[str, ...] = ()


WAY = (
    Comparing(forward.weights, "weights"),
    Comparing(forward.prediction, "prediction", ("weights",)),
    Comparing(forward.layers, "layers", ("weights", "prediction")),
    Comparing(forward.large_layers, "layers, large rows", ("layers",)),
    Comparing(
        forward.outputs, "outputs", ("weights", "prediction", "layers", "layers, large rows")
    ),
    Comparing(forward.training_layers, "layers in training", ("layers",)),
    Comparing(dropping.dropout, "dropout", ("layers",)),
    Comparing(backward.loss, "loss", ("outputs", "layers in training")),
    Comparing(backward.gradients, "gradients", ("outputs", "layers in training", "loss")),
    Comparing(backward.statistics, "running statistics", ("layers in training",)),
    Comparing(training.held, "what is trained", ("outputs", "layers in training")),
    Comparing(training.optimizer, "optimizer", ("gradients", "what is trained")),
    Comparing(training.losses, "many steps", ("running statistics", "optimizer")),
    Comparing(training.trained, "after training", ("outputs",)),
)


@dataclass(frozen=True)
class PortVerdict:
    """All comparisons of two programs, in the order in which a model works."""

    a: Numbers
    b: Numbers
    stages: tuple[Stage, ...]

    @property
    def parting(self) -> Stage | None:
        """The first comparison in which they part; None where they are one model."""
        return next((stage for stage in self.stages if stage.status == "part"), None)


def judged(a: Numbers, b: Numbers) -> PortVerdict:
    """Compare what two programs answered. `UserError` where they cannot be compared."""
    loaded = forward.weights(a, b).status == "same"
    for one in (a, b):
        if loaded and _random(one) and not one.takes_dropout:
            raise UserError(
                f"{one.name}: training is random (the first loss differs from one time to the "
                "next); give `build` a parameter `dropout`, of which 0 takes all dropout away"
            )
    stages: list[Stage] = []
    parted: dict[str, str] = {}
    for step in WAY:
        causes = [parted[name] for name in step.after if name in parted]
        if causes:
            parted[step.name] = causes[0]
            stages.append(untold(step.name, f"it follows from {causes[0]}"))
            continue
        stage = _dropout_left(a, b) if step.name == "loss" else None
        stage = stage or step.compare(a, b)
        stages.append(stage)
        if stage.status == "part":
            parted[step.name] = stage.place
    return PortVerdict(a, b, tuple(stages))


def _random(one: Numbers) -> bool:
    first, again = one.losses["steps"][0], one.losses["nudged"][0]
    return not abs(first - again) <= RANDOM * abs(first)


def _dropout_left(a: Numbers, b: Numbers) -> Stage | None:
    for one in (a, b):
        if _random(one):
            said = f"{one.name} trains at random even when built with dropout=0"
            return part("loss", "dropout", said)
    return None


def certify(
    first: Path,
    others: Sequence[Path],
    asking: Asking | None = None,
    source: Source = HERE,
    say: Callable[[str], None] = print,
) -> list[PortVerdict | UserError]:
    """Compare ports with the first program; those of one interpreter share one process.

    `UserError` where the first cannot be asked; the others' errors are in the answer.
    """
    asking = asking or Asking()
    original, ports = read(first), [read(path) for path in others]
    if any(port.name == original.name for port in ports):
        original = replace(original, name=str(first))
        ports = [replace(port, name=str(port.file)) for port in ports]
    own = interpreter(original, source, say)
    homes = [interpreter(port, source, say) for port in ports]
    with tempfile.TemporaryDirectory() as folder:
        (a,) = ask([original], own, asking, Path(folder) / "a")
        if isinstance(a, UserError):
            raise a
        answers: dict[int, Numbers | UserError] = {}
        for number, python in enumerate(dict.fromkeys(home.python for home in homes)):
            which = [i for i, home in enumerate(homes) if home.python == python]
            place = Path(folder) / f"b{number}"
            asked = ask([ports[i] for i in which], homes[which[0]], asking, place, a.folder)
            answers |= dict(zip(which, asked, strict=True))
    return [_verdict(a, answers[i]) for i in range(len(ports))]


def _verdict(a: Numbers, b: Numbers | UserError) -> PortVerdict | UserError:
    if isinstance(b, UserError):
        return b
    try:
        return judged(a, b)
    except UserError as error:
        return error


def versions(numbers: Numbers) -> str:
    """Those of the frameworks that a program imported."""
    known = [framework.package for framework in discover.frameworks()]
    there = [f"{name} {numbers.versions[name]}" for name in known if name in numbers.versions]
    return ", ".join(there) or f"numpy {numbers.versions.get('numpy', '')}"
