"""Weights, single predictions, layer after layer: where the way forward parts."""

from __future__ import annotations

import numpy as np

from bench.port.ask import Numbers, PortArrays
from bench.port.hints import hint
from bench.port.stage import OUTPUTS, Stage, distance, listed, part, same, untold


def weights(a: Numbers, b: Numbers) -> Stage:
    """Whether each gives back the weights that it was given, by name, shape and value."""
    name = "weights"
    start = a.group("start")
    for one in (a, b):
        back = one.group("back")
        if lost := [n for n in start if n not in back]:
            return part(name, f"weight `{lost[0]}`", f"{one.name} has no {listed(lost)}")
        if more := [n for n in back if n not in start]:
            return part(name, f"weight `{more[0]}`", f"only {one.name} has {listed(more)}")
        for key, value in start.items():
            if value.dtype.kind == "f" and not np.array_equal(np.float32(value), back[key]):
                said = f"{one.name} gives back other values than it was given"
                if value.shape != back[key].shape:
                    said = f"{one.name} gives {back[key].shape} back for {value.shape}"
                elif distance(value, back[key]) <= OUTPUTS:
                    continue  # kept in a lower precision; the layers tell whether that matters
                elif np.allclose(np.sort(value, None), np.sort(back[key], None)):
                    said += ": the same ones in another order"
                return part(name, f"weight `{key}`", said)
    return same(name, f"{len(start)} arrays go in and come back")


def prediction(a: Numbers, b: Numbers) -> Stage:
    """Whether each program's prediction is one: the same again, row by row, without a trace."""
    name = "prediction"
    for one in (a, b):
        outputs = one.group("outputs")
        if distance(outputs["once"], outputs["again"]) > OUTPUTS:
            said = f"{one.name} predicts the same rows otherwise the second time"
            return part(
                name, "prediction", f"{said}: dropout left on, or state kept from call to call"
            )
        if distance(outputs["once"], outputs["row by row"]) > OUTPUTS:
            said = f"{one.name} predicts a row otherwise when it comes alone"
            return part(name, "prediction", f"{said}: batch norm left in training, or rows mixed")
        changed = _changed(one.group("back"), one.group("after predicting"))
        if changed:
            return part(name, "prediction", f"{one.name} changes {listed(changed)} by predicting")
    return same(name, "each predicts the same again, and row by row")


def _changed(before: PortArrays, after: PortArrays) -> list[str]:
    return [n for n, v in before.items() if v.dtype.kind == "f" and distance(v, after[n]) > OUTPUTS]


def layers(a: Numbers, b: Numbers) -> Stage:
    """The first layer whose outputs differ, on ordinary rows."""
    return _layers("layers", "layers", a, b)


def large_layers(a: Numbers, b: Numbers) -> Stage:
    """The same on large rows, which meet limits inside a network."""
    return _layers("layers, large rows", "large layers", a, b)


def training_layers(a: Numbers, b: Numbers) -> Stage:
    """The same in training, dropout taken away."""
    return _layers("layers in training", "training layers", a, b)


def _layers(name: str, group: str, a: Numbers, b: Numbers) -> Stage:
    of_a, of_b = a.group(group), b.group(group)
    if not of_a or not of_b:
        lacking = " and ".join(one.name for one in (a, b) if not one.group(group))
        return untold(name, f"no `layers` in {lacking}")
    common = [n for n in of_a if n in of_b]
    if not common:
        return untold(name, "no layer is called the same in both")
    errors = {}
    for number, key in enumerate(common):
        theirs = nearest(of_a[key], of_b[key])
        errors[key] = distance(of_a[key], theirs)
        if errors[key] > OUTPUTS:
            before = common[number - 1] if number else None
            said = hint(a, b, group, key, before, theirs)
            agrees = f"; `{before}` before it agrees" if before else "; it is the first"
            return part(name, f"layer `{key}`" + _where(name), said + agrees)
    worst = max(errors, key=lambda n: errors[n])
    return same(name, f"{len(common)} agree; largest difference {errors[worst]:.0e} in `{worst}`")


def _where(name: str) -> str:
    return {"layers": "", "layers, large rows": ", on large rows"}.get(name, ", in training")


def nearest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """b as it is, or with its channels moved to where a has them, whichever is nearer."""
    forms = [b]
    if b.ndim > 2:
        forms += [np.moveaxis(b, 1, -1), np.moveaxis(b, -1, 1)]
    return min(forms, key=lambda form: distance(a, form))


def outputs(a: Numbers, b: Numbers) -> Stage:
    """What the two predict from one set of weights."""
    name = "outputs"
    for key, where in (("once", ""), ("large", " of large rows")):
        of_a, of_b = a.group("outputs")[key], b.group("outputs")[key]
        if of_a.shape != of_b.shape:
            return part(name, "outputs", f"shapes {of_a.shape} and {of_b.shape}")
        far = distance(of_a, of_b)
        if far > OUTPUTS:
            told = _agreeing(a, b)
            said = hint(a, b, "outputs", key, None, of_b)
            return part(name, f"outputs{where}", f"{said}; {told}")
    far = distance(a.group("outputs")["once"], b.group("outputs")["once"])
    return same(name, f"largest difference {far:.0e}")


def _agreeing(a: Numbers, b: Numbers) -> str:
    common = [n for n in a.group("layers") if n in b.group("layers")]
    if not common:
        return "give `layers` in both to learn which layer"
    return f"all layers up to `{common[-1]}` agree, so it is what comes after it"
