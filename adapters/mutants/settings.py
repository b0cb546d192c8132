"""Settings that are not those of the job, or are not read back. A launch must refuse them."""

from __future__ import annotations

from collections.abc import Callable

from adapters.base import Adapter, Setting
from adapters.mutants.mutant import Mutant, Wrapped

Settings = dict[str, Setting]


class Says(Wrapped):
    """Reports something else than the adapter read back."""

    def __init__(self, inner: Adapter, change: Callable[[Settings], Settings]) -> None:
        super().__init__(inner)
        self.change = change

    def settings(self) -> Settings:
        return self.change(dict(self.inner.settings()))


class Remembers(Wrapped):
    """Reports what was true when it was made."""

    def __init__(self, inner: Adapter) -> None:
        super().__init__(inner)
        self.first = dict(inner.settings())

    def settings(self) -> Settings:
        return dict(self.first)


def _says(name: str, **other: Setting) -> Mutant:
    return _changed(name, lambda settings: settings | other)


def _lacks(name: str, key: str) -> Mutant:
    return _changed(name, lambda settings: {k: v for k, v in settings.items() if k != key})


def _changed(name: str, change: Callable[[Settings], Settings]) -> Mutant:
    return Mutant(name, "settings", lambda adapter: Says(adapter, change), judged_by="launch")


MUTANTS: tuple[Mutant, ...] = (
    _says("another precision reported", precision="fp16"),
    _says("TF32 reported for float32", precision="tf32"),
    _says("another device reported", device="cuda"),
    _says("more threads reported", threads=99),
    _says("no thread reported", threads=0),
    _says("threads reported as a word", threads="all"),
    _says("fp16, cuda, 99 threads reported", precision="fp16", device="cuda", threads=99),
    _says("an empty version reported", version=""),
    _lacks("no precision reported", "precision"),
    _lacks("no threads reported", "threads"),
    _lacks("no device reported", "device"),
    _lacks("no version reported", "version"),
    Mutant("settings remembered, not read", "settings", Remembers, judged_by="launch",
           unseeable="what was true when it was made is true as long as nothing changes it: only "
           "the tests of an adapter, which change a switch behind its back, can tell"),
)  # fmt: skip
