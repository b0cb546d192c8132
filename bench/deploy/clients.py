"""Clients of a server: closed loop, where each waits for its answer, and open loop, where requests
are sent when they are due.

Of a closed loop a slow server gets fewer requests, and so hides how slow it would be for users who
do not wait for one another (coordinated omission). So an open loop's latency begins when a request
was due, by a Poisson stream that was drawn before, whether or not a connection was free then.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import perf_counter, sleep
from typing import Literal

import numpy as np

from bench.records.deployment import RatePoint

Ending = Literal["answered", "rejected", "failed"]
Send = Callable[[int], Ending]
"""Number of a request → how it ended. Each connection has one of its own."""
CONNECTIONS = 64  # of an open loop
REQUEST_SECONDS = 5.0  # after which a request has failed


@dataclass(frozen=True)
class Sent:
    """A request. seconds: from when it was due to its answer."""

    seconds: float
    ending: Ending


def connection(port: int, bodies: Sequence[bytes], path: str = "/predict") -> Send:
    """Sends JSON to a server on this machine, over one connection that is kept. A status of 429 or
    5xx is a rejection; a broken or silent connection is a failure, and the next request gets a new
    one."""
    held: list[http.client.HTTPConnection] = []

    def send(number: int) -> Ending:
        try:
            if not held:
                held.append(http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_SECONDS))
            body = bodies[number % len(bodies)]
            held[0].request("POST", path, body, {"Content-Type": "application/json"})
            answer = held[0].getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            while held:
                held.pop().close()
            return "failed"
        return "answered" if answer.status == 200 else "rejected"

    return send


def closed_loop(connect: Callable[[], Send], seconds: float) -> list[Sent]:
    """One client that waits for every answer."""
    send = connect()
    sent: list[Sent] = []
    until = perf_counter() + seconds
    while perf_counter() < until:
        began = perf_counter()
        ending = send(len(sent))
        sent.append(Sent(perf_counter() - began, ending))
    return sent


def open_loop(
    connect: Callable[[], Send],
    rate: float,
    seconds: float,
    seed: int,
    connections: int = CONNECTIONS,
    dead: Callable[[], bool] = lambda: False,
) -> list[Sent]:
    """Requests at `rate` a second on average, a Poisson stream. dead: whether the server is gone;
    then what is still to be sent counts as failed."""
    gaps = np.random.default_rng(seed).exponential(1 / rate, max(1, round(rate * seconds)))
    due = np.cumsum(gaps)
    left: SimpleQueue[int] = SimpleQueue()
    for number in range(len(due)):
        left.put(number)
    sent: list[Sent | None] = [None] * len(due)
    started = perf_counter()

    def work() -> None:
        send = connect()
        while True:
            try:
                number = left.get_nowait()
            except Empty:
                return
            now = perf_counter() - started
            if due[number] > now and not dead():
                sleep(due[number] - now)
            ending: Ending = "failed" if dead() else send(number)
            sent[number] = Sent(perf_counter() - started - due[number], ending)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for one in sent if one is not None]


def point(asked: float, sent: Sequence[Sent]) -> RatePoint:
    """What was seen at a rate: counts, and the latencies of what was answered, milliseconds."""
    taken = np.array([one.seconds for one in sent if one.ending == "answered"]) * 1e3
    names = ("p50", "p90", "p99")
    values = np.percentile(taken, (50, 90, 99)) if len(taken) else ()
    endings = [one.ending for one in sent]
    return RatePoint(
        asked=asked,
        sent=len(sent),
        answered=endings.count("answered"),
        rejected=endings.count("rejected"),
        failed=endings.count("failed"),
        **{name: float(value) for name, value in zip(names, values, strict=False)},
    )
