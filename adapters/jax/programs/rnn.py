"""JAX with Flax: forecast a series with a simple recurrent network."""

from functools import partial

import numpy as np
import optax
from flax import nnx


class Forecaster(nnx.Module):
    def __init__(self, rngs):
        self.rnn = nnx.RNN(nnx.SimpleCell(1, 64, activation_fn=nnx.relu, rngs=rngs))
        self.hidden = nnx.Linear(64, 32, rngs=rngs)
        self.head = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, windows):
        states = self.rnn(windows)
        return self.head(nnx.relu(self.hidden(states[:, -1])))


def model():
    return Forecaster(nnx.Rngs(0))


@partial(nnx.jit, static_argnames="loss_function")
def train_step(network, optimizer, average, loss_function, windows, following):
    def loss_of(network):
        return loss_function(network(windows), following).mean()

    loss, gradients = nnx.value_and_grad(loss_of)(network)
    optimizer.update(network, gradients)
    average.update(loss=loss)


def train_epoch(network, batches, loss_function, optimizer):
    network.train()
    average = nnx.metrics.Average("loss")
    for windows, following in batches:
        train_step(network, optimizer, average, loss_function, windows, following)
    return average.compute()


def batches(x, y, order):
    for rows in order:
        yield x[rows], y[rows]


def train(x, y, epochs):
    network = model()
    optimizer = nnx.Optimizer(network, optax.adam(1e-3), wrt=nnx.Param)
    loss_function = optax.squared_error
    for _ in range(epochs):
        order = np.random.permutation(len(x))[: len(x) // 32 * 32].reshape(-1, 32)
        train_epoch(network, batches(x, y[:, None], order), loss_function, optimizer)
    return network


@nnx.jit
def forward(network, windows):
    return network(windows)


def outputs(network, batches):
    return np.concatenate([forward(network, windows) for windows in batches])


def predict(model, x):
    model.eval()
    return outputs(model, (x[i : i + 256] for i in range(0, len(x), 256)))
