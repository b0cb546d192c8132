"""The one exception for a user's mistake: a line that says what is wrong and what to do next."""

from __future__ import annotations


class UserError(Exception):
    """Shown as one line on stderr, exit code 2, never with a traceback."""
