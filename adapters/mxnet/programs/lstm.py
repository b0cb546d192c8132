"""MXNet: tell good reviews from bad ones with an LSTM."""

from mxnet import autograd, gluon, init, nd
from mxnet.gluon import nn, rnn


class Critic(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10_000, 128)
        self.lstm = rnn.LSTM(128, layout="NTC", input_size=128)
        self.head = nn.Dense(1)

    def hybrid_forward(self, F, words):
        states = self.lstm(self.embedding(words))
        return self.head(F.slice_axis(states, axis=1, begin=-1, end=None))


def model():
    network = Critic()
    network.initialize(init.Xavier())
    network.hybridize()
    return network


def train_epoch(network, batches, loss_function, trainer):
    total = 0.0
    for words, verdicts in batches:
        with autograd.record():
            loss = loss_function(network(words), verdicts)
        loss.backward()
        trainer.step(len(words))
        total += loss.mean().asscalar()
    return total / len(batches)


def train(x, y, epochs):
    network = model()
    trainer = gluon.Trainer(network.collect_params(), "adam")
    rows = gluon.data.ArrayDataset(nd.array(x), nd.array(y))
    batches = gluon.data.DataLoader(rows, batch_size=32, shuffle=True)
    for _ in range(epochs):
        train_epoch(network, batches, gluon.loss.SigmoidBinaryCrossEntropyLoss(), trainer)
    return network


def outputs(network, batches):
    return nd.concat(*[network(words) for words in batches], dim=0)


def predict(model, x):
    words = nd.array(x)
    return outputs(model, [words[i : i + 256] for i in range(0, len(x), 256)]).asnumpy()
