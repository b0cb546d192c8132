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
        outputs = self.rnn(x)
        last = F.slice_axis(outputs, axis=1, begin=-1, end=None)
        return self.head(self.hidden(last))


def train(x, y, epochs):
    model = Forecaster()
    model.initialize(init.Xavier())
    model.hybridize(static_alloc=True)
    trainer = gluon.Trainer(model.collect_params(), "adam")
    loss_function = gluon.loss.L2Loss()
    rows = gluon.data.ArrayDataset(nd.array(x), nd.array(y))
    for _ in range(epochs):
        for windows, following in gluon.data.DataLoader(rows, batch_size=32, shuffle=True):
            with autograd.record():
                loss = loss_function(model(windows), following)
            loss.backward()
            trainer.step(len(windows))
    return model


def predict(model, x):
    return model(nd.array(x)).asnumpy()
