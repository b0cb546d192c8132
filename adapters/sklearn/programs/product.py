"""scikit-learn computes with NumPy: one large matrix product and one copy, for the ceiling."""

import numpy as np


def product(a, b, device, precision):
    if (device, precision) != ("cpu", "fp32"):
        raise NotImplementedError(f"NumPy computes in float32 on the CPU, not in {precision}")
    out = np.empty_like(a)
    return lambda: np.matmul(a, b, out=out)


def copy(x, device):
    target = np.empty_like(x)
    return lambda: np.copyto(target, x)
