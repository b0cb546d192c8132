"""What the framework's own programs ask of their user is counted rightly."""

from __future__ import annotations

import pytest

from bench.claims import programs

SOURCE = '''
"""A docstring is not a line of the program."""
import keras
from keras import layers
import numpy as np


def make():
    """Nor is this one."""
    model = keras.Sequential([layers.Dense(3), layers.Dense(1)])
    model.compile("adam", loss=keras.losses.MeanSquaredError())
    return model, np.zeros(3)
'''


def test_lines_and_names_of_a_program() -> None:
    size = programs.size(SOURCE, ("keras",))
    # three imports, def, two statements, return
    assert size.logical_lines == 7
    # Sequential, layers.Dense, losses.MeanSquaredError; neither numpy's nor the model's own
    assert size.names == 3
    assert size.vocabulary >= 0


def test_there_is_a_program_for_every_framework_and_family() -> None:
    sizes = programs.sizes()
    assert set(sizes) == {"tensorflow", "pytorch", "keras", "mxnet", "jax"}
    for mine in sizes.values():
        assert tuple(mine) == programs.FAMILIES
        assert all(size.logical_lines > 5 and size.names > 3 for size in mine.values())


@pytest.mark.parametrize("framework", sorted(framework.name for framework in programs.complete()))
def test_every_program_has_the_same_two_functions(framework: str) -> None:
    for family in programs.FAMILIES:
        text = programs.path(framework, family).read_text()
        assert "def train(x, y, epochs):" in text
        assert "def predict(model, x" in text
