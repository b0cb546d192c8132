"""A task as an MLPClassifier, and why it cannot be one. Its `Unsupported` names the part."""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier

from adapters.base import Unsupported, form_of, unknown
from tasks.spec.layers import (
    LSTM,
    Activation,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    SimpleRNN,
)
from tasks.spec.network import Task, layer_name
from tasks.spec.training import SGD, Adam

ACTIVATIONS: dict[Activation, str] = {
    "linear": "identity",
    "relu": "relu",
    "tanh": "tanh",
    "sigmoid": "logistic",
}
CROSS_ENTROPIES = ("sparse_categorical_crossentropy", "binary_crossentropy")


def _refusal(layer: Layer) -> str:
    """Why the MLP has no such layer; empty where it has."""
    match layer:
        case Dropout(rate=rate) if rate > 0:
            return "scikit-learn's MLP has no dropout"
        case Conv2D() | MaxPool2D():
            return "scikit-learn's MLP has no convolution and no pooling"
        case Embedding():
            return "scikit-learn's MLP has no embedding"
        case Dense() | Flatten() | Dropout():
            return ""
        case SimpleRNN() | LSTM():
            return "scikit-learn's MLP has no recurrent layers"
        case _:
            raise unknown("layer", layer)


def dense_layers(task: Task) -> list[tuple[str, Dense]]:
    """Canonical name and layer, in order. Raises `Unsupported`."""
    for reason in map(_refusal, task.layers):
        if reason:
            raise Unsupported(reason)
    named = [(layer_name(index, layer), layer) for index, layer in enumerate(task.layers)]
    dense = [(name, layer) for name, layer in named if isinstance(layer, Dense)]
    if task.augmentation is not None:
        raise Unsupported("scikit-learn has no image augmentation")
    if task.loss == "mean_squared_error":
        raise Unsupported("scikit-learn's MLPRegressor minimizes half the squared error")
    if task.loss not in CROSS_ENTROPIES:
        raise unknown("loss", task.loss)
    for _, layer in dense:
        form_of("activation", layer.activation, ACTIVATIONS)
    if len({layer.activation for _, layer in dense[:-1]}) > 1:
        raise Unsupported("scikit-learn's MLP has one activation for all hidden layers")
    if dense[-1][1].activation != "linear":
        raise Unsupported("scikit-learn's MLPClassifier chooses the last layer's activation")
    return dense


def classifier(task: Task, layers: list[Dense], seed: int) -> MLPClassifier:
    """The estimator, its weights not yet made. Raises `Unsupported` for another optimizer."""
    *hidden, _ = layers
    optimizer = task.optimizer
    if isinstance(optimizer, SGD):
        solver = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}
    elif isinstance(optimizer, Adam):
        solver = {
            "solver": "adam",
            "beta_1": optimizer.beta_1,
            "beta_2": optimizer.beta_2,
            "epsilon": optimizer.epsilon,
        }
    else:
        raise unknown("optimizer", optimizer)
    return MLPClassifier(
        hidden_layer_sizes=[layer.units for layer in hidden],
        activation=ACTIVATIONS[hidden[0].activation] if hidden else "identity",
        learning_rate_init=optimizer.learning_rate,
        alpha=0.0,
        batch_size=task.batch_size,
        shuffle=False,
        max_iter=0,
        n_iter_no_change=np.inf,
        random_state=seed,
        **solver,
    )
