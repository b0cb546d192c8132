"""JAX with Flax: sequences of any length, and a layer that is used only where the data asks."""

import jax.numpy as jnp
import optax
from flax import nnx


class Network(nnx.Module):
    def __init__(self, rngs):
        self.lstm = nnx.RNN(nnx.OptimizedLSTMCell(8, 32, rngs=rngs))
        self.extra = nnx.Linear(32, 32, rngs=rngs)
        self.head = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x):
        state = self.lstm(x)[:, -1]
        state = nnx.cond(
            state.mean() > 0,
            lambda network, state: jnp.tanh(network.extra(state)),
            lambda network, state: state,
            self,
            state,
        )
        return self.head(state)[:, 0]


class EagerNetwork(Network):
    def __call__(self, x):
        state = self.lstm(x)[:, -1]
        if state.mean() > 0:
            state = jnp.tanh(self.extra(state))
        return self.head(state)[:, 0]


def train_step(network, optimizer, x, y):
    def loss_of(network):
        return optax.squared_error(network(x), y).mean()

    loss, gradients = nnx.value_and_grad(loss_of)(network)
    optimizer.update(network, gradients)
    return loss


def make_step(network, run):
    optimizer = nnx.Optimizer(network, optax.adam(1e-3), wrt=nnx.Param)
    return lambda x, y: float(run(network, optimizer, x, y))


def jit():
    return make_step(Network(nnx.Rngs(0)), nnx.jit(train_step))


def eager():
    return make_step(EagerNetwork(nnx.Rngs(0)), train_step)


MODES = {"jit": jit, "eager": eager}
BRANCH = "`nnx.cond` under jit, a plain Python `if` without"


def wrong_shape():
    rngs = nnx.Rngs(0)
    model = nnx.Sequential(
        nnx.Linear(784, 128, rngs=rngs), nnx.relu, nnx.Linear(128, 10, rngs=rngs)
    )
    nnx.jit(lambda model, x: model(x))(model, jnp.zeros((32, 700)))
