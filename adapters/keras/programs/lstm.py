"""Keras: tell good reviews from bad ones with an LSTM."""

import keras
from keras import layers


def train(x, y, epochs):
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:], dtype="int32"),
            layers.Embedding(10_000, 128),
            layers.LSTM(128),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    return model


def predict(model, x):
    return model.predict(x, verbose=0)
