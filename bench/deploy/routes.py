"""Routes: the ways of a model from a framework through a format to a runtime. Pure.

Every framework with exports is crossed with every format that a runtime reads; where a framework
has no way to a format, the route is there all the same, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch

from adapters.base import Export, Framework
from adapters.deployment import Runtime
from bench import discover
from bench.records.deployment import RouteFacts
from tasks.errors import UserError


def exporting() -> tuple[Framework, ...]:
    """The frameworks that say how they export."""
    return tuple(one for one in discover.frameworks() if one.exports)


def formats() -> tuple[str, ...]:
    """Every format that some runtime reads, in the order in which runtimes name them."""
    return tuple(dict.fromkeys(f for runtime in discover.runtimes() for f in runtime.formats))


def export_of(framework: str, form: str) -> Export:
    """A framework's way to a format, or the refusal of one that its about.py does not name."""
    known = next(one for one in discover.frameworks() if one.name == framework)
    for export in known.exports:
        if export.format == form:
            return export
    return Export(form, refused=f"{known.title} has no converter to this format")


def runtime_of(name: str) -> Runtime:
    """A runtime by its name."""
    return next(one for one in discover.runtimes() if one.name == name)


def every() -> tuple[RouteFacts, ...]:
    """All routes, framework by framework."""
    return tuple(
        RouteFacts(framework=framework.name, format=form, runtime=runtime.name, width=width)
        for framework in exporting()
        for form in formats()
        for runtime in discover.runtimes()
        if form in runtime.formats
        for width in (runtime.widths if "int8" not in form else ("fp32",))
    )


def matching(globs: Iterable[str] | None) -> tuple[RouteFacts, ...]:
    """The routes that any glob matches, by their whole name or its beginning: "pytorch",
    "*:onnx", "keras:litert:litert". `UserError` when none does."""
    if globs is None:
        return every()
    wanted = list(globs)
    found = tuple(route for route in every() if any(_matches(route, glob) for glob in wanted))
    if not found:
        asked = ", ".join(map(repr, wanted))
        some = ", ".join(route.name for route in every()[:3])
        raise UserError(f"no route matches {asked}; routes are framework:format:runtime, as {some}")
    return found


def _matches(route: RouteFacts, glob: str) -> bool:
    parts = route.name.split(":")
    return any(fnmatch(":".join(parts[:count]), glob) for count in range(1, len(parts) + 1))


def named(names: Iterable[str]) -> tuple[RouteFacts, ...]:
    """Routes by their exact names, as a run keeps them; `UserError` for one that is unknown."""
    known = {route.name: route for route in every()}
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"this suite has no route {unknown[0]}")
    return tuple(known[name] for name in names)
