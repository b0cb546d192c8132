"""What several of these tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small learnable images of digits' shape."""
    from tests.support.plans import write_images

    return write_images(tmp_path_factory.mktemp("data"))
