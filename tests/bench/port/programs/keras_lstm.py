"""Words, an embedding, an LSTM and one number, in Keras: the model that was ported."""

import keras
import numpy as np
import tensorflow as tf

INPUT = (9,)  # words of one row
WORDS = 30
TARGET = (1,)  # numbers of one row


def build():
    model = keras.Sequential(
        [
            keras.Input(INPUT, dtype="int32"),
            keras.layers.Embedding(WORDS, 6, name="embedding"),
            keras.layers.LSTM(7, name="lstm"),
            keras.layers.Dense(TARGET[0], name="out"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse")
    return model


def variables(model):
    return {f"{layer.name}/{v.name}": v for layer in model.layers for v in layer.weights}


def weights(model):
    return {name: v.numpy() for name, v in variables(model).items()}


def load(model, weights):
    for name, v in variables(model).items():
        v.assign(weights[name])


def forward(model, x):
    return np.asarray(model(x, training=False))


def layers(model, x, training):
    found = {}
    for layer in model.layers:
        x = found[layer.name] = layer(x)
    return {name: np.asarray(value) for name, value in found.items()}


def gradients(model, x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
    found = tape.gradient(loss, [v.value for v in variables(model).values()])
    dense = [tf.convert_to_tensor(g).numpy() for g in found]
    return dict(zip(variables(model), dense, strict=True))


def step(model, x, y):
    model.reset_metrics()
    return model.train_on_batch(x, y)
