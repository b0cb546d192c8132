"""The optimizer, many steps, and predictions after training."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from bench.port.ask import Numbers
from bench.port.fitting import identified
from bench.port.rules import Trace, UpdateRule, allowed, directions, explained, misfits
from bench.port.stage import OUTPUTS, Stage, distance, listed, noisy, part, same, times
from bench.proof.bounds import typical

VALUES = 400  # of all arrays together, in each step
FORMS = {
    "Adam": "Adam-hat", "Adam-hat": "Adam", "RMSprop": "RMSprop-inside",
    "RMSprop-inside": "RMSprop",
}  # fmt: skip
FORM = {
    "Adam": "ε beside the root of the corrected moment",
    "Adam-hat": "ε beside the root of the moment itself (Kingma and Ba's ε̂)",
    "RMSprop": "ε beside the root",
    "RMSprop-inside": "ε under the root",
}
# By one rule from one gradient the losses of many steps can only part by rounding and by the place
# of ε: a last look, at what a person would look at.
LOSSES = 2e-2
SPREAD = 20.0  # times as far as a program parts from itself when its weights are nudged by rounding
UPDATES = 1e-2  # where no gradients are told


def traces(one: Numbers, quiet: set[str]) -> list[Trace]:
    """A program's steps, and its step under tiny gradients."""
    first = one.group("gradients/0")
    trained = [n for n in first if n in one.group("weights/0") and n not in quiet]
    most = max(8, VALUES // max(1, len(trained)))
    steps = len(one.losses["steps"])

    def vector(group: str) -> np.ndarray:
        return np.concatenate([one.group(group)[n][:most] for n in trained])

    weights = [vector(f"weights/{t}") for t in range(steps + 1)]
    arrays, at = {}, 0
    for name in trained:
        size = min(most, first[name].size)
        arrays[name] = slice(at, at + size)
        at += size
    moves = [after - before for before, after in pairwise(weights)]
    norms = [float(one.group(f"norm/{t}")["norm"]) for t in range(steps)]
    gradients = [vector(f"gradients/{t}") for t in range(steps)]
    before = vector("tiny weights")
    tiny = Trace(
        [vector("tiny gradients")], [before], [vector("tiny after") - before],
        [float(one.group("tiny norm")["norm"])], arrays,
    )  # fmt: skip
    return [Trace(gradients, weights[:-1], moves, norms, arrays), tiny]


def optimizer(a: Numbers, b: Numbers) -> Stage:
    """Whether the two move alike under their own gradients."""
    name = "optimizer"
    ours, theirs = a.group("gradients"), b.group("gradients")
    if not ours or not theirs:
        return _updates(name, a, b)
    quiet = noisy(ours) | noisy(theirs)
    of_a, of_b = traces(a, quiet), traces(b, quiet)
    if (stage := _still(name, a, b, of_a[0], of_b[0])) is not None:
        return stage
    rule = _rule(a, frozenset(quiet))
    if rule is None:
        return _updates(name, a, b)
    for form in (rule, *([replace(rule, kind=FORMS[rule.kind])] if rule.kind in FORMS else [])):
        if explained(form, of_b):
            said = f"both move by {rule.text()}"
            if form is rule or explained(rule, of_b):
                return same(name, said)
            remark = f"{a.name} has {FORM[rule.kind]}, {b.name} {FORM[form.kind]}"
            return same(name, said, [f"{remark}; it shows where gradients are tiny"])
    return _other(name, a, b, rule, of_b)


@lru_cache(maxsize=4)
def _rule(one: Numbers, quiet: frozenset[str]) -> UpdateRule | None:
    return identified(traces(one, set(quiet)))


def _other(name: str, a: Numbers, b: Numbers, rule: UpdateRule, of_b: list[Trace]) -> Stage:
    """How b moves, where it does not move by a's rule."""
    ours_said = f"{a.name} moves by {rule.text()}"
    theirs = identified(of_b)
    if theirs is not None:
        return part(name, _place(rule, of_b), f"{ours_said}, {b.name} by {theirs.text()}")
    trace = of_b[0]
    odd = [n for n, at in trace.arrays.items() if not _by(rule, [t.only(at) for t in of_b])]
    if odd and len(odd) < len(trace.arrays):
        cut = trace.only(trace.arrays[odd[0]])
        far = _multiple(rule, cut)
        said = f"{b.name} moves {far} in {listed(odd)}, all else as {a.name} does"
        return part(name, f"the step of `{odd[0]}`", said)
    said = f"{ours_said}, {b.name} by no rule known here"
    return part(name, _place(rule, of_b), said)


def _by(rule: UpdateRule, of_b: list[Trace]) -> bool:
    other = replace(rule, kind=FORMS.get(rule.kind, rule.kind))
    return explained(rule, of_b) or explained(other, of_b)


def _multiple(rule: UpdateRule, trace: Trace) -> str:
    """How far one array moves, as a multiple of what a rule asks for."""
    asked = rule.rate * directions(rule, trace)[0]
    moved = trace.moves[0]
    if not moved.any():
        return "nothing"
    r = float(asked @ moved / (asked @ asked)) if asked.any() else 0.0
    return f"{times(r)} as far" if r else "otherwise"


def _place(rule: UpdateRule, of_b: list[Trace]) -> str:
    """The first step that a's rule does not explain, with its ε in either place."""
    other = replace(rule, kind=FORMS.get(rule.kind, rule.kind))
    both = zip(misfits(rule, of_b[0]), misfits(other, of_b[0]), strict=True)
    for number, far in enumerate(map(min, both), 1):
        if not far <= allowed(of_b[0]):
            return f"the optimizer, in step {number}"
    return "the optimizer, where gradients are tiny"


def _still(name: str, a: Numbers, b: Numbers, of_a: Trace, of_b: Trace) -> Stage | None:
    """Arrays that move in one program only, though both have a gradient."""
    for one, other, own, others in ((a, b, of_a, of_b), (b, a, of_b, of_a)):
        still = [n for n, at in own.arrays.items()
                 if n in others.arrays and not own.only(at).moves[0].any()
                 and others.only(others.arrays[n]).moves[0].any()]  # fmt: skip
        if still:
            said = f"{one.name} does not move {listed(still)}, {other.name} does"
            return part(name, f"the first step of `{still[0]}`", said)
    return None


def _updates(name: str, a: Numbers, b: Numbers) -> Stage:
    """The moves themselves, where no rule is known."""
    start = a.group("weights/0")
    for step in range(1, len(a.losses["steps"]) + 1):
        for key in start:
            ours, theirs = (
                one.group(f"weights/{step}")[key] - one.group("weights/0")[key] for one in (a, b)
            )
            if ours.size and typical(theirs, ours) > UPDATES:
                said = f"the weights have moved otherwise: {distance(ours, theirs):.1e} apart"
                if not a.group("gradients") or not b.group("gradients"):
                    said += "; give `gradients` in both to tell gradient from optimizer"
                return part(name, f"step {step}, `{key}`", said)
    return same(name, f"the weights move alike for {len(a.losses['steps'])} steps")


def losses(a: Numbers, b: Numbers) -> Stage:
    """The losses of all steps, each program from its own weights."""
    name = "many steps"
    ours, theirs, nudged = (
        np.array(x) for x in (a.losses["steps"], b.losses["steps"], a.losses["nudged"])
    )
    scale = np.abs(ours) + 1e-12
    spread = np.maximum.accumulate(np.abs(nudged - ours) / scale)
    bound = np.maximum(LOSSES, SPREAD * spread)
    off = np.abs(theirs - ours) / scale
    wrong = np.flatnonzero(~(off <= bound))
    if len(wrong):
        step = int(wrong[0])
        said = f"in step {step + 1} {a.name} loses {ours[step]:.6g}, {b.name} {theirs[step]:.6g}"
        return part(name, f"step {step + 1}", said)
    return same(name, f"losses of {len(ours)} steps within {np.max(off):.0e}")


def held(a: Numbers, b: Numbers) -> Stage:
    """Whether `weights` holds all that training changes: a new model with them predicts alike."""
    name = "what is trained"
    for one in (a, b):
        own = one.group("predictions")
        if distance(own["loaded"], own["trained"]) > OUTPUTS:
            said = (
                f"{one.name} predicts otherwise than a new model of it with the same weights: it "
                "is left in training, or trains what `weights` does not give"
            )
            return part(name, "prediction after training", said)
    return same(name, "a new model with the trained weights predicts as the trained one")


def trained(a: Numbers, b: Numbers) -> Stage:
    """Predictions of both from the weights that a learned."""
    name = "after training"
    ours, theirs = a.group("predictions")["loaded"], b.group("from theirs")["outputs"]
    if (far := distance(ours, theirs)) > OUTPUTS:
        said = f"from the weights that {a.name} learned, outputs are {far:.1e} apart"
        return part(name, "prediction after training", said)
    return same(name, f"from one set of trained weights outputs are within {far:.0e}")
