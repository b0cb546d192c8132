"""The same in PyTorch. It has a second bias, which Keras has not: it is zero and not trained."""

import numpy as np
import torch
from torch import nn

NAMES = {
    "embedding/embeddings": "embedding.weight",
    "lstm/kernel": "lstm.weight_ih_l0",
    "lstm/recurrent_kernel": "lstm.weight_hh_l0",
    "lstm/bias": "lstm.bias_ih_l0",
    "out/kernel": "out.weight",
    "out/bias": "out.bias",
}
AS_IT_IS = "embedding/embeddings"  # all other matrices are turned


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 6)
        self.lstm = nn.LSTM(6, 7, batch_first=True)
        self.lstm.bias_hh_l0.requires_grad_(False)
        nn.init.zeros_(self.lstm.bias_hh_l0)
        self.out = nn.Linear(7, 1)
        self.optimizer = torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)

    def steps(self, x):
        x = self.embedding(torch.as_tensor(x))
        yield "embedding", x
        x = self.lstm(x)[0][:, -1]
        yield "lstm", x
        yield "out", self.out(x)

    def forward(self, x):
        return dict(self.steps(x))["out"]


def build():
    return Net()


def turned(name, value):
    """Between Keras's order of axes and PyTorch's; its own inverse."""
    return value.T if value.ndim == 2 and name != AS_IT_IS else value


def numbers(name, value):
    return turned(name, value.detach().numpy()).copy()


def weights(model):
    own = dict(model.named_parameters())
    return {keras: numbers(keras, own[name]) for keras, name in NAMES.items()}


def load(model, weights):
    state = {own: torch.as_tensor(turned(keras, weights[keras])) for keras, own in NAMES.items()}
    model.load_state_dict(state, strict=False)


def forward(model, x):
    with torch.no_grad():
        return model(x).numpy()


def layers(model, x, training):
    with torch.no_grad():
        return {name: value.numpy() for name, value in model.steps(x)}


def loss_of(model, x, y):
    return nn.functional.mse_loss(model(x), torch.as_tensor(y))


def gradients(model, x, y):
    model.zero_grad()
    loss_of(model, x, y).backward()
    own = dict(model.named_parameters())
    return {keras: numbers(keras, own[name].grad) for keras, name in NAMES.items()}


def step(model, x, y):
    model.optimizer.zero_grad()
    loss = loss_of(model, x, y)
    loss.backward()
    model.optimizer.step()
    return np.asarray(loss.detach())
