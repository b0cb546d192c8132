"""Recurrent layers of graphs: LSTM and GRU, last or all states, one way or both.

Up to UNROLL time steps are laid out and left to jax.grad. Longer ones have the gradient that a
chain's long LSTM has (model.py): the gates are made anew from what a step was given, and the
recurrent kernel's gradient is one product over all steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from adapters.jax.model import UNROLL
from tasks.spec.layers import LSTM
from tasks.spec.sequence import GRU, Bidirectional

Array: TypeAlias = jax.Array
State = tuple[Array, ...]  # the hidden state first
Cell = Callable[[State, Array, Array], State]  # state, x W + b, h U → the next state


def lstm_cell(state: State, zx: Array, zh: Array) -> State:
    """Gates i, f, g, o."""
    i, f, g, o = jnp.split(zx + zh, 4, axis=-1)
    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru_cell(state: State, zx: Array, zh: Array) -> State:
    """Gates r, z, n: the reset gate after the product."""
    (xr, xz, xn), (hr, hz, hn) = jnp.split(zx, 3, axis=-1), jnp.split(zh, 3, axis=-1)
    z = jax.nn.sigmoid(xz + hz)
    n = jnp.tanh(xn + jax.nn.sigmoid(xr + hr) * hn)
    return ((1 - z) * n + z * state[0],)


def recurrent(layer: LSTM | GRU, p: dict[str, Array], x: Array, reverse: bool = False) -> Array:
    """x (N, T, in) → the last state (N, units), or every one (N, T, units) in the input's order.

    reverse: from the last time step to the first.
    """
    cell, kept = (lstm_cell, 2) if isinstance(layer, LSTM) else (gru_cell, 1)
    zx = jnp.swapaxes(x, 0, 1) @ p["kernel"] + p["bias"]  # steps first
    start = (jnp.zeros((len(x), layer.units), x.dtype),) * kept
    run = _laid_out if x.shape[1] <= UNROLL else _loop
    states = run(cell, reverse, p["recurrent"], zx, start)
    if layer.sequences:
        return jnp.swapaxes(states, 0, 1)
    return states[0 if reverse else -1]


def bidirectional(layer: Bidirectional, p: dict[str, Array], x: Array) -> Array:
    """Both ways beside each other."""
    ways = [
        recurrent(layer.layer, _of(p, way), x, reverse=way == "backward_")
        for way in ("forward_", "backward_")
    ]
    return jnp.concatenate(ways, axis=-1)


def _of(p: dict[str, Array], way: str) -> dict[str, Array]:
    return {part.removeprefix(way): value for part, value in p.items() if part.startswith(way)}


def _laid_out(cell: Cell, reverse: bool, recurrent: Array, zx: Array, state: State) -> Array:
    steps = range(len(zx))
    states = []
    for t in reversed(steps) if reverse else steps:
        state = cell(state, zx[t], state[0] @ recurrent)
        states.append(state[0])
    return jnp.stack(states[::-1] if reverse else states)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _loop(cell: Cell, reverse: bool, recurrent: Array, zx: Array, state: State) -> Array:
    """zx (T, N, gates units) → every hidden state (T, N, units)."""

    def step(state: State, now: Array) -> tuple[State, Array]:
        state = cell(state, now, state[0] @ recurrent)
        return state, state[0]

    return lax.scan(step, state, zx, reverse=reverse)[1]


def _forward(
    cell: Cell, reverse: bool, recurrent: Array, zx: Array, state: State
) -> tuple[Array, Any]:
    def step(before: State, now: Array) -> tuple[State, Any]:
        zh = before[0] @ recurrent
        state = cell(before, now, zh)
        return state, (state[0], (before, now, zh))

    _, (states, kept) = lax.scan(step, state, zx, reverse=reverse)
    return states, (recurrent, kept)


def _backward(cell: Cell, reverse: bool, kept: Any, by_states: Array) -> tuple[Array, Array, State]:
    recurrent, given = kept

    def step(by: State, item: tuple[Any, Array]) -> tuple[State, tuple[Array, Array]]:
        given, by_h = item
        by_state, by_zx, by_zh = jax.vjp(cell, *given)[1]((by[0] + by_h, *by[1:]))
        return (by_state[0] + by_zh @ recurrent.T, *by_state[1:]), (by_zx, by_zh)

    start = jax.tree.map(lambda value: jnp.zeros_like(value[0]), given[0])
    by_start, (by_zx, by_zh) = lax.scan(step, start, (given, by_states), reverse=not reverse)
    return jnp.einsum("tnh,tng->hg", given[0][0], by_zh), by_zx, by_start


_loop.defvjp(_forward, _backward)
