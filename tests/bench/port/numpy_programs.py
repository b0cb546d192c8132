"""A model in NumPy alone, so that its process starts at once; edits of its text are faults."""

RIGHT = """
import numpy as np

INPUT = (6,)
TARGET = (2,)


class Model:
    def __init__(self):
        rng = np.random.default_rng()
        self.parts = {"one/kernel": rng.normal(size=(6, 5)), "one/bias": np.zeros(5),
                      "two/kernel": rng.normal(size=(5, 2)), "two/bias": np.zeros(2)}
        self.parts = {name: part.astype(np.float32) for name, part in self.parts.items()}
        self.moving = {name: np.zeros_like(part) for name, part in self.parts.items()}


def build():
    return Model()


def weights(model):
    return {name: part.copy() for name, part in model.parts.items()}


def load(model, weights):
    model.parts = {name: weights[name].copy() for name in model.parts}


def layers(model, x, training):
    one = np.tanh(x @ model.parts["one/kernel"] + model.parts["one/bias"])
    return {"one": one, "two": one @ model.parts["two/kernel"] + model.parts["two/bias"]}


def forward(model, x):
    return layers(model, x, False)["two"]


def loss_of(model, x, y):
    return np.mean((forward(model, x) - y) ** 2)


def gradients(model, x, y):
    found = layers(model, x, True)
    out = 2 * (found["two"] - y) / y.size
    hidden = out @ model.parts["two/kernel"].T * (1 - found["one"] ** 2)
    return {"one/kernel": x.T @ hidden, "one/bias": hidden.sum(0),
            "two/kernel": found["one"].T @ out, "two/bias": out.sum(0)}


def step(model, x, y):
    loss = loss_of(model, x, y)
    for name, gradient in gradients(model, x, y).items():
        model.moving[name] = 0.9 * model.moving[name] + gradient
        model.parts[name] = model.parts[name] - np.float32(0.05) * model.moving[name]
    return loss
"""
