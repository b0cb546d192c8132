"""Clients against a server whose service time is known: what each kind of loop sees of it."""

from __future__ import annotations

import sys
from pathlib import Path
from time import sleep

import pytest

from bench.deploy.clients import Send, closed_loop, connection, open_loop, point
from bench.deploy.network import Server, free_port, measured

SERVICE = 0.02  # seconds; one request at a time, so 50 a second at most
PROGRAM = """
import http.server, os, socketserver, sys, time
port, service, dies_after = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # a request a connection, so that one client blocks no other
    served = 0

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        Handler.served += 1
        if dies_after and Handler.served > dies_after:
            os._exit(7)
        time.sleep(service)
        status = 503 if b"busy" in self.path.encode() else 200
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *words):
        pass

class Patient(socketserver.TCPServer):  # HTTPServer looks its own name up, which can take long
    request_queue_size = 512
    allow_reuse_address = True

Patient(("127.0.0.1", port), Handler).serve_forever()
"""


def started(tmp_path: Path, dies_after: int = 0) -> Server:
    program = tmp_path / "server.py"
    program.write_text(PROGRAM)
    port = free_port()
    words = [sys.executable, str(program), str(port), str(SERVICE), str(dies_after)]
    return Server(words, port, {})


def connector(server: Server, path: str = "/predict") -> Send:
    return connection(server.port, [b"{}"], path)


@pytest.mark.quiet
def test_a_closed_loop_hides_what_an_open_one_shows(tmp_path: Path) -> None:
    """At twice what the server can do, a client that waits sees nothing but its service time."""
    with started(tmp_path) as server:
        assert server.ready(connector(server), 20)
        closed = point(1, closed_loop(lambda: connector(server), 1.0))
        sent = open_loop(lambda: connector(server), 2 / SERVICE, 1.0, seed=0, connections=128)
        opened = point(2 / SERVICE, sent)
    assert closed.p50 and closed.p99 and opened.p99
    assert SERVICE * 1e3 <= closed.p50 < 2 * SERVICE * 1e3
    # A hundred requests were due in a second, and take two: the last waits for one.
    assert opened.answered == opened.sent == 100
    assert opened.p99 > 700
    assert opened.p99 > 5 * closed.p99


@pytest.mark.quiet
def test_with_too_few_connections_the_wait_for_one_counts(tmp_path: Path) -> None:
    """Coordinated omission would show the service time alone: a connection is only free then."""
    with started(tmp_path) as server:
        assert server.ready(connector(server), 20)
        sent = open_loop(lambda: connector(server), 2 / SERVICE, 0.6, seed=0, connections=1)
    seen = point(2 / SERVICE, sent)
    assert seen.p99 and seen.p99 > 400


def test_what_is_turned_away_is_counted(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        assert server.ready(connector(server), 20)
        seen = point(1, closed_loop(lambda: connector(server, "/busy"), 0.2))
    assert seen.rejected == seen.sent > 0
    assert seen.answered == seen.failed == 0
    assert seen.p50 is None


def test_a_server_that_dies_is_a_crash_with_what_was_seen(tmp_path: Path) -> None:
    with started(tmp_path, dies_after=30) as server:
        found = measured(server, [b"{}"], 0.5, seed=0, shares=(0.5, 0.9))
    assert found["status"] == "crash"
    assert "died in mid-run: it ended with exit status 7" in found["reason"]
    assert found["network"]["closed"]["answered"] > 10
    assert sum(one["failed"] for one in found["network"]["points"]) > 0


def test_a_server_that_does_not_start_is_told(tmp_path: Path) -> None:
    with Server([sys.executable, "-c", "raise SystemExit('no port')"], free_port(), {}) as server:
        sleep(0.1)
        found = measured(server, [b"{}"], 0.1, seed=0, shares=(0.5,))
    assert found["status"] == "crash"
    assert "no port" in found["reason"]


@pytest.mark.parametrize("rate", [50.0, 400.0])
def test_requests_are_as_many_as_the_rate_says(rate: float) -> None:
    sent = open_loop(lambda: lambda number: "answered", rate, 0.5, seed=1)
    assert len(sent) == round(rate * 0.5)
