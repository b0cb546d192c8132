"""A small convolutional network in Keras: the model that was ported."""

import keras
import numpy as np
import tensorflow as tf

INPUT = (8, 8, 3)  # of one row
TARGET = 5  # classes


def build(dropout=0.5):
    model = keras.Sequential(
        [
            keras.Input(INPUT),
            keras.layers.Conv2D(6, 3, activation="relu", name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.MaxPooling2D(2, name="pool"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(12, activation="relu", name="hidden"),
            keras.layers.Dropout(dropout, name="dropout"),
            keras.layers.Dense(TARGET, name="logits"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(1e-3, epsilon=1e-7),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def variables(model):
    found = {f"{layer.name}/{v.name}": v for layer in model.layers for v in layer.weights}
    return {name: v for name, v in found.items() if "seed" not in name}


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
        told = {"training": training} if layer.name in ("norm", "dropout") else {}
        x = found[layer.name] = layer(x, **told)
    return {name: np.asarray(value) for name, value in found.items()}


def gradients(model, x, y):
    with tf.GradientTape() as tape:
        loss = model.loss(y, model(x, training=True))
    trained = {name: v for name, v in variables(model).items() if v.trainable}
    found = tape.gradient(loss, [v.value for v in trained.values()])
    return {name: g.numpy() for name, g in zip(trained, found, strict=True)}


def step(model, x, y):
    model.reset_metrics()  # else it would tell the mean over all steps so far
    return model.train_on_batch(x, y)
