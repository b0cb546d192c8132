"""What an exception means for a record. Whatever a framework raised is a result with a reason."""

from __future__ import annotations

from adapters.base import Unsupported
from bench.records.record import MEMORY_WORDS, Outcome


def outcome_of_error(error: BaseException) -> Outcome:
    """The typed status and the first line of the message, at most 300 characters."""
    if isinstance(error, Unsupported):
        return Outcome("unsupported", str(error))
    text = f"{type(error).__name__}: {error}".strip()
    first_line = text.splitlines()[0][:300]
    memory = isinstance(error, MemoryError) or any(w in text.lower() for w in MEMORY_WORDS)
    return Outcome("out-of-memory" if memory else "error", first_line)
