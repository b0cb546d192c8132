"""Normalisations. What frameworks' defaults differ in (epsilon, momentum) every task says."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.spec.layers import ArraySpec, Layer, Shape


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Over all axes but the last (Ioffe & Szegedy 2015).

    Training: gamma (x - m) / sqrt(v + epsilon) + beta with the batch's mean m and biased variance
    v; then mean ← momentum · mean + (1 - momentum) · m, and the same for the running variance,
    which takes v, or n / (n - 1) · v over n values: an adapter says which form its framework has
    (`Adapter.variance_form`). Both move once a step, whether or not gradients are taken. Otherwise,
    and where it is frozen in training too: with the running statistics, which then stand.

    momentum is the share of the old value (PyTorch calls the other share so).
    """

    momentum: float
    epsilon: float
    frozen: bool = False

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        one = reads[0][-1:]
        return {
            "gamma": ArraySpec(one, "ones", trained=not self.frozen),
            "beta": ArraySpec(one, "zeros", trained=not self.frozen),
            "mean": ArraySpec(one, "zeros", trained=False),
            "variance": ArraySpec(one, "ones", trained=False),
        }


@dataclass(frozen=True)
class LayerNorm(Layer):
    """gamma (x - m) / sqrt(v + epsilon) + beta over the last axis, v biased (Ba et al. 2016)."""

    epsilon: float

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        one = reads[0][-1:]
        return {"gamma": ArraySpec(one, "ones"), "beta": ArraySpec(one, "zeros")}
