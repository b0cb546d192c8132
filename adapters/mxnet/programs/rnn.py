"""MXNet: forecast a series with a simple recurrent network."""

from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn, rnn


class Forecaster(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.rnn = rnn.RNN(64, activation="relu", layout="NTC", input_size=1)
        self.hidden = nn.Dense(32, activation="relu")
        self.head = nn.Dense(1)

    def hybrid_forward(self, F, x):
        last = F.slice_axis(self.rnn(x), axis=1, begin=-1, end=None)
        return self.head(self.hidden(last))


def model():
    network = Forecaster()
    network.initialize(init.Xavier())
    network.hybridize()
    return network


def train_epoch(network, batches, loss_function, trainer):
    total = 0.0
    for windows, following in batches:
        with autograd.record():
            loss = loss_function(network(windows), following)
        loss.backward()
        trainer.step(len(windows))
        total += loss.mean().asscalar()
    return total / len(batches)


def train(x, y, epochs):
    network = model()
    trainer = gluon.Trainer(network.collect_params(), "adam")
    rows = gluon.data.ArrayDataset(nd.array(x), nd.array(y))
    batches = gluon.data.DataLoader(rows, batch_size=32, shuffle=True)
    for _ in range(epochs):
        train_epoch(network, batches, gluon.loss.L2Loss(), trainer)
    return network


def outputs(network, batches):
    return nd.concat(*[network(windows) for windows in batches], dim=0)


def predict(model, x):
    windows = nd.array(x)
    return outputs(model, [windows[i : i + 256] for i in range(0, len(x), 256)]).asnumpy()
