"""What of the user's surroundings would change or stop a command: import this module first.

A shell that was opened in a notebook has an MPLBACKEND that names a module which is not installed
here, and matplotlib cannot be imported with it. In a locale that is not UTF-8 the suite's files
would be read and written in another encoding.
"""

from __future__ import annotations

import locale
import os
import sys

os.environ.pop("MPLBACKEND", None)


def in_utf8() -> None:
    """Begin this command again in Python's UTF-8 mode, unless it is UTF-8 already."""
    if sys.flags.utf8_mode or locale.getencoding().lower() in ("utf-8", "utf8"):
        return
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONIOENCODING"}
    words = [sys.executable, "-X", "utf8", "-m", "bench", *sys.argv[1:]]
    os.execve(sys.executable, words, variables | {"PYTHONUTF8": "1"})
