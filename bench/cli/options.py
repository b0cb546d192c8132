"""Values of options that more than one command takes, from text."""

from __future__ import annotations

from tasks.errors import UserError


def fraction(text: str, option: str) -> float:
    """ "5%" or "0.05" → 0.05; `UserError` for anything that is no fraction between 0 and 1."""
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise UserError(f"{option} {text!r} is no fraction; write it like 5% or 0.05")
    return value


def seconds(text: str, option: str) -> float:
    """ "90s", "20m", "2h" or a plain number of seconds; `UserError` for anything else."""
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    try:
        value = float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise UserError(f"{option} {text!r} is no duration; write it like 90s, 20m or 2h")
    return value


def globs(text: str) -> list[str]:
    """Patterns between commas; `UserError` when there is none."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise UserError("an empty pattern matches nothing; leave the option out for everything")
    return found


def chosen(text: str | None) -> list[str] | None:
    """Globs, or None where nothing was chosen."""
    return None if text is None else globs(text)
