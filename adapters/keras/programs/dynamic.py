"""Keras: sequences of any length, and a layer that is used only where the data asks for it."""

import keras
from keras import layers, ops


class Network(keras.Model):
    def __init__(self):
        super().__init__()
        self.lstm = layers.LSTM(32)
        self.extra = layers.Dense(32, activation="tanh")
        self.head = layers.Dense(1)

    def build(self, shape):
        self.lstm.build(shape)
        self.extra.build((None, 32))
        self.head.build((None, 32))

    def call(self, x):
        state = self.lstm(x)
        state = ops.cond(ops.mean(state) > 0, lambda: self.extra(state), lambda: state)
        return self.head(state)[:, 0]


def make_step(**options):
    network = Network()
    network.compile(optimizer="adam", loss="mean_squared_error", **options)
    return lambda x, y: float(network.train_on_batch(x, y))


def default():
    return make_step()


def without_jit():
    return make_step(jit_compile=False)


def eager():
    return make_step(run_eagerly=True)


MODES = {"as compiled by default": default, "jit_compile=False": without_jit, "eager": eager}
BRANCH = "`keras.ops.cond` with two functions"


def wrong_shape():
    model = keras.Sequential([keras.Input((784,)), layers.Dense(128), layers.Dense(10)])
    model.compile(optimizer="adam", loss="mean_squared_error")
    model.predict(ops.zeros((32, 700)), verbose=0)
