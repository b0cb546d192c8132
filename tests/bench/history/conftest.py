"""Apache Otava, installed once for all tests of the history."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.history import otava
from tasks.errors import UserError


@pytest.fixture(scope="session")
def installed() -> Path:
    """Otava's own environment, made by pip where it is missing."""
    try:
        return otava.executable()
    except UserError as error:
        pytest.skip(str(error))
