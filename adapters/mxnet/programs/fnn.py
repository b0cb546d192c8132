"""MXNet: classify images with a feed-forward network."""

from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn


def model():
    network = nn.HybridSequential()
    network.add(nn.Flatten(), nn.Dense(128, activation="relu"), nn.Dense(10))
    network.initialize(init.Xavier())
    network.hybridize()
    return network


def train_epoch(network, batches, loss_function, trainer):
    total = 0.0
    for images, labels in batches:
        with autograd.record():
            loss = loss_function(network(images), labels)
        loss.backward()
        trainer.step(len(images))
        total += loss.mean().asscalar()
    return total / len(batches)


def train(x, y, epochs):
    network = model()
    trainer = gluon.Trainer(network.collect_params(), "adam")
    rows = gluon.data.ArrayDataset(nd.array(x), nd.array(y))
    batches = gluon.data.DataLoader(rows, batch_size=32, shuffle=True)
    for _ in range(epochs):
        train_epoch(network, batches, gluon.loss.SoftmaxCrossEntropyLoss(), trainer)
    return network


def outputs(network, batches):
    return nd.concat(*[network(images) for images in batches], dim=0)


def predict(model, x):
    images = nd.array(x)
    return outputs(model, [images[i : i + 256] for i in range(0, len(x), 256)]).asnumpy()
