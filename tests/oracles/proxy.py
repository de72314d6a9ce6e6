"""A proxy that has a server below a path of its own, as nginx would with `location /splat/`."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "/splat"


class _Handler(BaseHTTPRequestHandler):
    timeout = 5  # for a browser that connects and asks nothing
    behind: str
    sockets: list[socket.socket]

    def log_message(self, *_: Any) -> None:
        pass

    def forward(self) -> None:
        if not self.path.startswith(f"{PREFIX}/"):
            self.send_error(404)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {**dict(self.headers), "X-Forwarded-Prefix": PREFIX, "Connection": "close"}
        with closing(http.client.HTTPConnection(self.behind)) as connection:
            connection.connect()
            self.sockets.append(connection.sock)
            connection.request(self.command, self.path.removeprefix(PREFIX), body or None, headers)
            with connection.getresponse() as answer:
                self.hand_on(answer)

    def hand_on(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() != "transfer-encoding":  # http.client has undone it
                self.send_header(name, value)
        self.end_headers()
        with suppress(http.client.IncompleteRead):
            while piece := answer.read1(65536):
                self.wfile.write(piece)
                self.wfile.flush()

    do_GET = do_POST = do_PUT = forward


@contextmanager
def below_a_path(address: str) -> Iterator[str]:
    """Where a server can be reached as long as this lasts."""
    sockets: list[socket.socket] = []
    handler = type("Handler", (_Handler,), {"behind": address.split("/")[2], "sockets": sockets})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        proxy.daemon_threads = False
        proxy.handle_error = lambda *_: None  # type: ignore[method-assign]  # a browser that leaves is no error
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_port}{PREFIX}/"
        proxy.shutdown()
        for one in sockets:  # what a page listens to has no end
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
