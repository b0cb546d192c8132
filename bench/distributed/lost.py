"""A peer is killed while a group trains: what the others do about it, and what is left of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from bench.distributed.group import (
    PATIENCE_SECONDS,
    POLL_SECONDS,
    GroupEnd,
    GroupQuestion,
    PeerGroup,
)
from bench.run.environments import Environment


def lose(
    question: GroupQuestion, environment: Environment, folder: Path, seconds: float
) -> dict[str, Any]:
    """The parts of a record: how it ended, within `PATIENCE_SECONDS` and the killing. seconds: how
    long the group may take until it trains."""
    with PeerGroup(question, environment, folder) as group:
        if not _trains(group, seconds):
            ended = group.wait(0)
            reason = ended.reason or "the group did not train"
            return {"status": "error", "reason": reason[:300]}
        victim = group.peers[-1]
        died = monotonic()
        os.kill(victim.pid, signal.SIGKILL)
        ended = group.wait(PATIENCE_SECONDS)
        took = monotonic() - died
        left = group.left()
    how, reason = _ending(ended)
    settings = ended.answers[0].get("settings", {})
    lost = {"ending": how, "seconds": took, "left": left}
    return {"status": "ok", "reason": reason[:300], "settings": settings, "lost": lost}


def _trains(group: PeerGroup, seconds: float) -> bool:
    """Whether every peer has come through a call of some steps."""
    end = monotonic() + seconds
    flags = [group.folder / f"{rank}.training" for rank in range(group.question.size)]
    while monotonic() < end and all(peer.poll() is None for peer in group.peers):
        if all(flag.exists() for flag in flags):
            return True
        sleep(POLL_SECONDS)
    return False


def _ending(ended: GroupEnd) -> tuple[str, str]:
    """What the survivors did. An error that the framework raised is told in its own words."""
    if ended.hung:
        return "hang", "no error was raised: killed by the watchdog"
    told = [a["reason"] for a in ended.answers[:-1] if a.get("reason")]
    return ("error", str(told[0])) if told else ("ended", ended.reason)
