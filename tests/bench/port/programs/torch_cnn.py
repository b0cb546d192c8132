"""The same network in PyTorch: the port. What its user knows of Keras's layouts stands in here."""

import numpy as np
import torch
from torch import nn

NAMES = {  # Keras's name of a weight → PyTorch's
    "conv/kernel": "conv.weight",
    "conv/bias": "conv.bias",
    "norm/gamma": "norm.weight",
    "norm/beta": "norm.bias",
    "norm/moving_mean": "norm.running_mean",
    "norm/moving_variance": "norm.running_var",
    "hidden/kernel": "hidden.weight",
    "hidden/bias": "hidden.bias",
    "logits/kernel": "logits.weight",
    "logits/bias": "logits.bias",
}


class Net(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.norm = nn.BatchNorm2d(6, eps=1e-3, momentum=0.01)
        self.pool = nn.MaxPool2d(2)
        self.hidden = nn.Linear(54, 12)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(12, 5)
        self.optimizer = torch.optim.Adam(self.parameters(), lr=1e-3, eps=1e-7)

    def steps(self, x):
        """Every layer's output, in order; images come as Keras has them, channels last."""
        x = torch.as_tensor(x).permute(0, 3, 1, 2)
        x = torch.relu(self.conv(x))
        yield "conv", x
        x = self.norm(x)
        yield "norm", x
        x = self.pool(x)
        yield "pool", x
        x = x.permute(0, 2, 3, 1).flatten(1)  # in Keras's order
        yield "flatten", x
        x = torch.relu(self.hidden(x))
        yield "hidden", x
        x = self.dropout(x)
        yield "dropout", x
        yield "logits", self.logits(x)

    def forward(self, x):
        return dict(self.steps(x))["logits"]


def build(dropout=0.5):
    return Net(dropout)


def layout(value):
    """A kernel from Keras's order of axes to PyTorch's, whose inverse is `unlaid`."""
    value = torch.as_tensor(value)
    return value.permute(3, 2, 0, 1) if value.ndim == 4 else value.T if value.ndim == 2 else value


def unlaid(value):
    value = value.detach()
    value = value.permute(2, 3, 1, 0) if value.ndim == 4 else value.T if value.ndim == 2 else value
    return value.numpy().copy()


def weights(model):
    state = model.state_dict()
    return {keras: unlaid(state[own]) for keras, own in NAMES.items()}


def load(model, weights):
    state = {own: layout(weights[keras]) for keras, own in NAMES.items()}
    model.load_state_dict(state, strict=False)


def forward(model, x):
    model.eval()
    with torch.no_grad():
        return model(x).numpy()


def layers(model, x, training):
    model.train(training)
    with torch.no_grad():
        return {name: value.numpy() for name, value in model.steps(x)}


def loss_of(model, x, y):
    model.train()
    return nn.functional.cross_entropy(model(x), torch.as_tensor(y))


def gradients(model, x, y):
    model.zero_grad()
    loss_of(model, x, y).backward()
    own = dict(model.named_parameters())
    return {keras: unlaid(own[name].grad) for keras, name in NAMES.items() if name in own}


def step(model, x, y):
    model.optimizer.zero_grad()
    loss = loss_of(model, x, y)
    loss.backward()
    model.optimizer.step()
    return np.asarray(loss.detach())
