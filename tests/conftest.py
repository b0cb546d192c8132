"""Shared options; imports nothing but pytest, so that it loads in every environment."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--implementation", default="", help="framework:mode to test for conformance")
