"""MXNet: one large matrix product, for the machine's ceiling."""

from mxnet import nd


def make(a, b):
    left, right = nd.array(a), nd.array(b)
    return lambda: nd.dot(left, right).sum().asscalar()
