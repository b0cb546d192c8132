"""JAX with Flax: tell good reviews from bad ones with an LSTM."""

from functools import partial

import numpy as np
import optax
from flax import nnx


class Critic(nnx.Module):
    def __init__(self, rngs):
        self.embedding = nnx.Embed(10_000, 128, rngs=rngs)
        self.lstm = nnx.RNN(nnx.OptimizedLSTMCell(128, 128, rngs=rngs))
        self.head = nnx.Linear(128, 1, rngs=rngs)

    def __call__(self, words):
        states = self.lstm(self.embedding(words))
        return self.head(states[:, -1])


def model():
    return Critic(nnx.Rngs(0))


@partial(nnx.jit, static_argnames="loss_function")
def train_step(network, optimizer, average, loss_function, words, verdicts):
    def loss_of(network):
        return loss_function(network(words), verdicts).mean()

    loss, gradients = nnx.value_and_grad(loss_of)(network)
    optimizer.update(network, gradients)
    average.update(loss=loss)


def train_epoch(network, batches, loss_function, optimizer):
    network.train()
    average = nnx.metrics.Average("loss")
    for words, verdicts in batches:
        train_step(network, optimizer, average, loss_function, words, verdicts)
    return average.compute()


def batches(x, y, order):
    for rows in order:
        yield x[rows], y[rows]


def train(x, y, epochs):
    network = model()
    optimizer = nnx.Optimizer(network, optax.adam(1e-3), wrt=nnx.Param)
    loss_function = optax.sigmoid_binary_cross_entropy
    for _ in range(epochs):
        order = np.random.permutation(len(x))[: len(x) // 32 * 32].reshape(-1, 32)
        train_epoch(network, batches(x, y[:, None], order), loss_function, optimizer)
    return network


@nnx.jit
def forward(network, words):
    return network(words)


def outputs(network, batches):
    return np.concatenate([forward(network, words) for words in batches])


def predict(model, x):
    model.eval()
    return outputs(model, (x[i : i + 256] for i in range(0, len(x), 256)))
