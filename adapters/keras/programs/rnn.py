"""Keras: forecast a series with a simple recurrent network."""

import keras
from keras import layers


def model():
    return keras.Sequential(
        [
            keras.Input((10, 1)),
            layers.SimpleRNN(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )


def fit(network, x, y, **options):
    history = network.fit(x, y, verbose=0, **options)
    return history.history["loss"][-1]


def train(x, y, epochs):
    network = model()
    network.compile(optimizer="adam", loss="mean_squared_error")
    fit(network, x, y, batch_size=32, epochs=epochs)
    return network


def predict(model, x, batch_size=32):
    return model.predict(x, batch_size=batch_size, verbose=0)
