"""MXNet: sequences of any length, and a layer that is used only where the data asks for it."""

from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn, rnn


class Network(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.lstm = rnn.LSTM(32, layout="NTC", input_size=8)
        self.extra = nn.Dense(32, activation="tanh", in_units=32)
        self.head = nn.Dense(1, in_units=32)

    def hybrid_forward(self, F, x):
        state = F.slice_axis(self.lstm(x), axis=1, begin=-1, end=None).reshape((-1, 32))
        used = F.contrib.cond(F.mean(state) > 0, lambda: self.extra(state), lambda: state)
        return self.head(used)


class ImperativeNetwork(Network):
    def forward(self, x):
        state = self.lstm(x)[:, -1]
        if state.mean().asscalar() > 0:
            state = self.extra(state)
        return self.head(state)


def make_step(network):
    network.initialize(init.Xavier())
    trainer = gluon.Trainer(network.collect_params(), "adam")
    loss_function = gluon.loss.L2Loss()

    def step(x, y):
        with autograd.record():
            loss = loss_function(network(nd.array(x)), nd.array(y))
        loss.backward()
        trainer.step(len(x), ignore_stale_grad=True)
        return float(loss.mean().asscalar())

    return step


def imperative():
    return make_step(ImperativeNetwork())


def hybrid():
    network = Network()
    network.hybridize()
    return make_step(network)


MODES = {"imperative": imperative, "hybrid": hybrid}
BRANCH = "a plain Python `if` while imperative, `contrib.cond` when hybridized"


def wrong_shape():
    model = nn.HybridSequential()
    model.add(nn.Dense(128, activation="relu", in_units=784), nn.Dense(10, in_units=128))
    model.initialize()
    model.hybridize()
    model(nd.zeros((32, 700))).wait_to_read()
