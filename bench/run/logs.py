"""What a worker prints: kept, and bounded, whatever it prints."""

from __future__ import annotations

import os
from pathlib import Path

MOST_BYTES = 2**23
KEPT_BYTES = 2**18  # of each end, once there was more


def bound(log: Path) -> None:
    """Shorten a log that has grown too long to its beginning and its end. The worker goes on
    writing behind them, as the file is open for appending."""
    try:
        size = log.stat().st_size
        if size <= MOST_BYTES:
            return
        with log.open("r+b") as file:
            first = file.read(KEPT_BYTES)
            file.seek(-KEPT_BYTES, os.SEEK_END)
            last = file.read(KEPT_BYTES)
            file.truncate(0)
            file.seek(0)
            said = f"\n[... {size - 2 * KEPT_BYTES} bytes left out ...]\n"
            file.write(first + said.encode() + last)
    except OSError:
        return


def last_lines(log: Path) -> list[str]:
    """Lines at its end that say something."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 2**16))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]
