"""A server that a user would take, over loopback: started, asked at rising rates, stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from bench.deploy.clients import Send, closed_loop, connection, open_loop, point
from bench.deploy.environments import DeployPlace
from bench.deploy.process import variables
from bench.records.deployment import RatePoint

SERVER, MODULE, ENVIRONMENT = "LitServe", "adapters.runtimes.servers.litserve", "litserve"
SHARES = (0.25, 0.5, 0.75, 0.9, 1.1)  # of what one client that waits gets answered
START_SECONDS = 90.0
ROWS = 16  # different ones that are sent


class Server:
    """A server's process from start to end. Use as a context."""

    def __init__(self, command: Sequence[str], port: int, environment: dict[str, str]) -> None:
        self.port = port
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in __exit__)
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._log.close()

    def dead(self) -> bool:
        """Whether its process has ended."""
        return self.process.poll() is not None

    def ready(self, send: Send, seconds: float = START_SECONDS) -> bool:
        """Waits for a first answer; False where none came."""
        until = monotonic() + seconds
        while monotonic() < until and not self.dead():
            if send(0) == "answered":
                return True
            sleep(0.1)
        return False

    def how_it_ended(self) -> str:
        """In words, with the last line that it said."""
        code = self.process.poll()
        how = "it gave no answer" if code is None else f"it ended with exit status {code}"
        if code is not None and code < 0:
            how = f"it died with signal {signal.Signals(-code).name}"
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().splitlines() if line.strip()]
        return how + (f": {lines[-1][:200]}" if lines else "")


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def measured(
    server: Server, bodies: Sequence[bytes], seconds: float, seed: int, shares: Sequence[float]
) -> dict[str, Any]:
    """status, reason and what clients saw. A server that dies is a crash, with what was seen until
    then."""

    def connect() -> Send:
        return connection(server.port, bodies)

    if not server.ready(connect()):
        return {"status": "crash", "reason": f"the server did not start: {server.how_it_ended()}"}
    alone = point(1.0, closed_loop(connect, seconds))
    points: list[RatePoint] = []
    for share in shares:
        if server.dead() or not alone.p50:
            break
        rate = share * 1e3 / alone.p50
        sent = open_loop(connect, rate, seconds, seed, dead=server.dead)
        points.append(point(rate, sent))
    found = {"closed": alone.model_dump(), "points": [one.model_dump() for one in points]}
    if server.dead():
        reason = f"the server died in mid-run: {server.how_it_ended()}"
        return {"status": "crash", "reason": reason, "network": found}
    return {"status": "ok", "reason": "", "network": found}


def serve(request: dict[str, Any], place: DeployPlace, rows: Sequence[Any]) -> dict[str, Any]:
    """The record of LitServe with one file behind it. rows: as the file wants them, one each."""
    bodies = [json.dumps({"row": row.tolist()}).encode() for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        question = Path(folder) / "request.json"
        port = free_port()
        question.write_text(json.dumps(request | {"port": port}), encoding="utf-8")
        command = [place.python, "-m", MODULE, str(question)]
        environment = variables(int(request["threads"]), place.over, Path(folder))
        with Server(command, port, environment) as server:
            found = measured(server, bodies, request["seconds"], request["seed"], SHARES)
    if "network" in found:
        found["network"] |= {"server": SERVER}
    return found
