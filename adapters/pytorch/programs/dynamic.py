"""PyTorch: sequences of any length, and a layer that is used only where the data asks for it."""

import torch
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 32, batch_first=True)
        self.extra = nn.Linear(32, 32)
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        state = self.lstm(x)[0][:, -1]
        if state.mean() > 0:
            state = torch.tanh(self.extra(state))
        return self.head(state)[:, 0]


def make_step(network, run):
    optimizer = torch.optim.Adam(network.parameters())

    def step(x, y):
        loss = nn.functional.mse_loss(run(torch.from_numpy(x)), torch.from_numpy(y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def eager():
    network = Network()
    return make_step(network, network)


def compiled():
    network = Network()
    return make_step(network, torch.compile(network, dynamic=True))


MODES = {"eager": eager, "compile": compiled}
BRANCH = "a plain Python `if`"


def wrong_shape():
    nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))(torch.zeros(32, 700))
