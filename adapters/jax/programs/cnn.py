"""JAX with Flax: classify colour photographs with a convolutional network."""

from functools import partial

import numpy as np
import optax
from flax import nnx


class Classifier(nnx.Module):
    def __init__(self, rngs):
        self.convolution = nnx.Conv(3, 32, (3, 3), padding="VALID", rngs=rngs)
        self.hidden = nnx.Linear(31 * 31 * 32, 64, rngs=rngs)
        self.head = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, images):
        x = nnx.relu(self.convolution(images))
        x = nnx.max_pool(x, (2, 2), strides=(2, 2))
        x = x.reshape(len(x), -1)
        return self.head(nnx.relu(self.hidden(x)))


def model():
    return Classifier(nnx.Rngs(0))


@partial(nnx.jit, static_argnames="loss_function")
def train_step(network, optimizer, average, loss_function, images, labels):
    def loss_of(network):
        return loss_function(network(images), labels).mean()

    loss, gradients = nnx.value_and_grad(loss_of)(network)
    optimizer.update(network, gradients)
    average.update(loss=loss)


def train_epoch(network, batches, loss_function, optimizer):
    network.train()
    average = nnx.metrics.Average("loss")
    for images, labels in batches:
        train_step(network, optimizer, average, loss_function, images, labels)
    return average.compute()


def batches(x, y, order):
    for rows in order:
        yield x[rows], y[rows]


def train(x, y, epochs):
    network = model()
    optimizer = nnx.Optimizer(network, optax.adam(1e-3), wrt=nnx.Param)
    loss_function = optax.softmax_cross_entropy_with_integer_labels
    for _ in range(epochs):
        order = np.random.permutation(len(x))[: len(x) // 32 * 32].reshape(-1, 32)
        train_epoch(network, batches(x, y, order), loss_function, optimizer)
    return network


@nnx.jit
def forward(network, images):
    return network(images)


def outputs(network, batches):
    return np.concatenate([forward(network, images) for images in batches])


def predict(model, x):
    model.eval()
    return outputs(model, (x[i : i + 256] for i in range(0, len(x), 256)))
