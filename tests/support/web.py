"""A server of one file that breaks off, changes its mind or lies, as servers in the field do."""

from __future__ import annotations

import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

DATE = "Mon, 23 Nov 2026 10:00:00 GMT"


@dataclass
class Site:
    """What is served, how, and what was asked: the headers of each request, in order.

    breaks: after how many bytes of a body each request is cut off, first request first.
    honours: range requests; heeds: the If-Range of one; tells: the validators in a 206.
    """

    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    breaks: list[int] = field(default_factory=list)
    honours: bool = True
    heeds: bool = True
    tells: bool = True
    length: bool = True
    redirect: str = ""
    status: tuple[int, str] = (200, "OK")
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    together: threading.Barrier | None = None
    stalled: threading.Event | None = None
    url: str = ""

    def ranges(self) -> list[str | None]:
        """The Range of each request."""
        return [headers.get("Range") for headers in self.asked]


class Server(socketserver.ThreadingTCPServer):
    """ThreadingHTTPServer without its look-up of its own name, which can take long."""

    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def serving(site: Site, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve it on a free port of this machine; `site.url` is its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, site)

        def log_message(self, *words: Any) -> None:
            pass

        def date_time_string(self, timestamp: float | None = None) -> str:
            return DATE

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        scheme, port = "https" if tls else "http", server.server_address[1]
        site.url = f"{scheme}://127.0.0.1:{port}/mnist.npz"
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


def answer(handler: BaseHTTPRequestHandler, site: Site) -> None:
    """One response."""
    site.asked.append(dict(handler.headers))
    site.paths.append(handler.path)
    cut = site.breaks.pop(0) if site.breaks else None
    if site.redirect or site.status[0] != 200:
        handler.send_response(*((302, "Found") if site.redirect else site.status))
        if site.redirect:
            handler.send_header("Location", site.redirect)
        handler.end_headers()
        return
    body = head(handler, site)
    if site.together is not None:
        site.together.wait(20)
    site.sent.append(len(body if cut is None else body[:cut]))
    handler.wfile.write(body if cut is None else body[:cut])
    if site.stalled is not None and cut is not None:
        handler.wfile.flush()
        site.stalled.wait(20)


def head(handler: BaseHTTPRequestHandler, site: Site) -> bytes:
    """Send status and headers; the body that belongs to them."""
    wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    current = handler.headers.get("If-Range") in site.headers.values()
    start = int(wanted[1]) if wanted and site.honours and (current or not site.heeds) else None
    if start is None:
        handler.send_response(200)
    elif start >= len(site.body):
        handler.send_response(416)
        handler.end_headers()
        return b""
    else:
        handler.send_response(206)
        last, size = len(site.body) - 1, len(site.body)
        handler.send_header("Content-Range", f"bytes {start}-{last}/{size}")
    body = site.body[start or 0 :]
    if site.length:
        handler.send_header("Content-Length", str(len(body)))
    for name, value in site.headers.items() if start is None or site.tells else ():
        handler.send_header(name, value)
    handler.end_headers()
    return body
