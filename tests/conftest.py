"""Shared options; imports nothing but pytest at first, so that it loads in every environment."""

from __future__ import annotations

from collections.abc import Generator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--implementation", default="", help="framework:mode to test for conformance")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """What a mode beside the usual one says it cannot do is a skip with that reason."""
    from adapters.base import Unsupported
    from bench.discover import implementations

    name = item.config.getoption("--implementation")
    try:
        return (yield)
    except Unsupported as why:
        if any(row.name == name and not row.usual for row in implementations()):
            pytest.skip(f"unsupported: {why}")
        raise
