"""Keras: tell good reviews from bad ones with an LSTM."""

import keras
from keras import layers


def model():
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(10_000, 128),
            layers.LSTM(128),
            layers.Dense(1),
        ]
    )


def fit(network, x, y, **options):
    history = network.fit(x, y, verbose=0, **options)
    return history.history["loss"][-1]


def train(x, y, epochs):
    network = model()
    network.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy(from_logits=True))
    fit(network, x, y, batch_size=32, epochs=epochs)
    return network


def predict(model, x, batch_size=32):
    return model.predict(x, batch_size=batch_size, verbose=0)
