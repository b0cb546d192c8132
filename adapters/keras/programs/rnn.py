"""Keras: forecast a series with a simple recurrent network."""

import keras
from keras import layers


def train(x, y, epochs):
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.SimpleRNN(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mean_squared_error")
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    return model


def predict(model, x):
    return model.predict(x, verbose=0)
