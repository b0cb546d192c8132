"""Keras: one large matrix product, for the machine's ceiling."""

from keras import ops


def make(a, b):
    left, right = ops.convert_to_tensor(a), ops.convert_to_tensor(b)
    return lambda: ops.convert_to_numpy(ops.sum(ops.matmul(left, right)))
