"""A user's program that claims to be the same model as another, asked for its numbers.

``python -m bench.worker.port QUESTION.json`` in the program's own environment. For each program of
the question its folder gets ``answer.json`` and ``arrays.npz``; the file ``doing`` always names the
call that is going on, so that a call which never returns can be named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.worker.port_numbers import (
    LARGE,
    Named,
    PortRows,
    calmed,
    given,
    made,
    moved,
    nudged,
    sampled,
)
from bench.worker.port_program import TOLD, Asked, Refused


def answer(asked: Asked, question: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is compared, as named groups of arrays in `asked.groups`; returns facts."""
    first = question["given"] is None
    earlier = {} if first else unpacked(Path(question["given"]))
    rows = _rows(asked, question) if first else _given(earlier)
    model = asked.build()
    own = asked.weights(model)
    start = _start(own, question) if first else earlier["start"]
    put = asked.groups.__setitem__
    put("rows", {"x": rows.x, "y": rows.y, "scaled": np.array(rows.scaled)})
    put("start", start)
    asked.load(model, start)
    put("back", asked.weights(model))
    _predictions(asked, model, rows, start)
    losses = _steps(asked, rows, start, question["steps"])
    _tiny(asked, rows, start)
    if not first:
        _from_theirs(asked, model, rows, earlier["trained"])
    return {
        "losses": losses,
        "takes_dropout": asked.takes_dropout,
        "told": [name for name in TOLD if asked.has(name)],
        "versions": _versions(),
    }


def _rows(asked: Asked, question: Mapping[str, Any]) -> PortRows:
    try:
        if question["data"]:
            with np.load(question["data"], allow_pickle=False) as file:
                return given(file["x"], file["y"])
        return made(asked.module, question["seed"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise Refused(f"its rows: {' '.join(str(error).split())}") from error


def _given(earlier: Mapping[str, Named]) -> PortRows:
    rows = earlier["rows"]
    return PortRows(rows["x"], rows["y"], bool(rows["scaled"]))


def _start(own: Named, question: Mapping[str, Any]) -> Named:
    if not question["weights"]:
        return moved(own, question["seed"])
    with np.load(question["weights"], allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    if lacking := sorted(set(own) - set(found)):
        raise Refused(f"the file of weights lacks {lacking[0]}")
    return {name: found[name] for name in own}


def _predictions(asked: Asked, model: Any, rows: PortRows, start: Named) -> None:
    x = rows.plain()
    large = x * np.float32(LARGE) if rows.scaled else rows.batch(0)[0]
    outputs = {"once": asked.forward(model, x), "again": asked.forward(model, x)}
    outputs["row by row"] = np.concatenate([asked.forward(model, row[None]) for row in x])
    outputs["large"] = asked.forward(model, large)
    asked.groups["outputs"] = outputs
    asked.groups["after predicting"] = asked.weights(model)
    if asked.has("layers"):
        for name, value, training in (
            ("layers", x, False), ("large layers", large, False), ("training layers", x, True),
        ):  # fmt: skip
            asked.load(model, start)
            asked.groups[name] = asked.layers(model, value, training)
        real = asked.build(dropout=True)
        for name in ("dropped", "dropped again"):
            asked.load(real, start)
            asked.groups[name] = asked.layers(real, rows.x, True)
    asked.load(model, start)


def _steps(asked: Asked, rows: PortRows, start: Named, steps: int) -> dict[str, list[float]]:
    """Losses of the steps, and of those from weights that differ by rounding alone."""
    model, beside = asked.build(), asked.build()
    asked.load(model, start)
    before, losses = asked.weights(model), []
    if set(before) != set(asked.groups["back"]):
        raise Refused("two models of one `build` name their weights differently: name the layers")
    asked.groups["weights/0"] = sampled(before)
    for step in range(steps):
        x, y = rows.batch(step)
        if asked.has("gradients"):
            asked.load(beside, before)
            gradients = asked.gradients(beside, x, y)
            asked.groups[f"gradients/{step}"] = sampled(gradients)
            asked.groups[f"norm/{step}"] = {"norm": np.array(_norm(gradients))}
            if step == 0:
                asked.groups["gradients"] = gradients
        losses.append(asked.step(model, x, y))
        before = asked.weights(model)
        asked.groups[f"weights/{step + 1}"] = sampled(before)
        if step == 0:
            asked.groups["first"] = before
    asked.groups["trained"] = before
    fresh = asked.build()
    asked.load(fresh, before)
    x = rows.plain()
    asked.groups["predictions"] = {
        "trained": asked.forward(model, x), "loaded": asked.forward(fresh, x),
    }  # fmt: skip
    return {"steps": losses, "nudged": _nudged(asked, rows, start, steps)}


def _norm(gradients: Named) -> float:
    return float(np.sqrt(sum(float(np.sum(np.square(g, dtype=float))) for g in gradients.values())))


def _nudged(asked: Asked, rows: PortRows, start: Named, steps: int) -> list[float]:
    model = asked.build()
    asked.load(model, nudged(start, 1))
    losses = [asked.step(model, *rows.batch(step)) for step in range(steps)]
    asked.groups["nudged"] = asked.weights(model)
    asked.groups["nudged predictions"] = {"trained": asked.forward(model, rows.plain())}
    return losses


def _tiny(asked: Asked, rows: PortRows, start: Named) -> None:
    """One step under tiny gradients: where an epsilon shows."""
    if not asked.has("gradients"):
        return
    x, y = rows.batch(1)
    weights = calmed(start)
    model, beside = asked.build(), asked.build()
    asked.load(beside, weights)
    asked.load(model, weights)
    gradients = asked.gradients(beside, x, y)
    asked.groups["tiny gradients"] = sampled(gradients)
    asked.groups["tiny norm"] = {"norm": np.array(_norm(gradients))}
    asked.groups["tiny weights"] = sampled(asked.weights(model))
    asked.step(model, x, y)
    asked.groups["tiny after"] = sampled(asked.weights(model))


def _from_theirs(asked: Asked, model: Any, rows: PortRows, trained: Named) -> None:
    """With the weights that the other program ended with."""
    asked.load(model, trained)
    asked.groups["from theirs"] = {"outputs": asked.forward(model, rows.plain())}


def _versions() -> dict[str, str]:
    """Module → version, of all that has one and was imported by its own name."""
    found = {}
    for name, module in list(sys.modules.items()):
        version = getattr(module, "__version__", None)
        if "." not in name and isinstance(version, str):
            found[name] = version
    return found


def packed(folder: Path, facts: Mapping[str, Any], groups: Mapping[str, Named]) -> None:
    """Arrays by number, their names beside them: a name may hold anything."""
    names: list[list[str]] = []
    arrays: dict[str, np.ndarray] = {}
    for group, members in groups.items():
        for name, value in members.items():
            arrays[f"a{len(names)}"] = value
            names.append([group, name])
    np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]  # names are a1, a2, ...
    (folder / "answer.json").write_text(json.dumps({**facts, "names": names}), encoding="utf-8")


def unpacked(folder: Path) -> dict[str, Named]:
    """The groups that `packed` wrote."""
    names = json.loads((folder / "answer.json").read_text(encoding="utf-8"))["names"]
    groups: dict[str, Named] = {}
    with np.load(folder / "arrays.npz", allow_pickle=False) as file:
        for number, (group, name) in enumerate(names):
            groups.setdefault(group, {})[name] = file[f"a{number}"]
    return groups


def main(path: str) -> None:
    """Answer the question in a file, one program after the other."""
    question = json.loads(Path(path).read_text(encoding="utf-8"))
    sys.argv = sys.argv[:1]
    for program in question["programs"]:
        folder = Path(program["folder"])
        try:
            asked = Asked(Path(program["file"]), folder)
            facts = answer(asked, question)
            packed(folder, facts, asked.groups)
        except Refused as error:
            (folder / "answer.json").write_text(
                json.dumps({"refused": str(error)}), encoding="utf-8"
            )


if __name__ == "__main__":
    main(sys.argv[1])
