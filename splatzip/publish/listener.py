"""A listening socket, and the server of an application behind it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable
from typing import Any

from splatzip.errors import BackendError


class Listener:
    """Listens from the start: whoever is told of the address can connect at once, and waits for `serve`.

    Attributes:
        port: that it listens on.
        address: for a browser on this machine.
    """

    def __init__(self, host: str, port: int) -> None:
        """
        Args:
            host: address to listen on; "0.0.0.0" lets other machines in.
            port: 0 takes any that is free.
        Raises: BackendError if the port cannot be had.
        """
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            self._socket = socket.create_server((host, port), family=family)
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None)
            if number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
                raise BackendError(f"{host} is no address of this machine; name another with --host") from error
            reason = os.strerror(number) if isinstance(number, int) and number > 0 else str(error)
            raise BackendError(
                f"port {port} of {host} is not available ({reason}); choose another with --port"
            ) from error
        self._server: Any = None
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self.port}/"

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def serve(self, application: Any, *, ready: Callable[[str], None] | None = None) -> None:
        """Serve an ASGI application until it is interrupted or stopped.

        Args:
            ready: called with the address first.
        """
        import uvicorn

        # Who interrupts it does not want to wait for a slow download to end.
        config = uvicorn.Config(
            application, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        if ready is not None:
            ready(self.address)
        log = logging.getLogger("uvicorn.error")
        log.addFilter(self._is_told)
        try:
            self._server.run(sockets=[self._socket])
        finally:
            log.removeFilter(self._is_told)

    def stop(self) -> None:
        """Let `serve` return; from any thread."""
        self._server.should_exit = True

    def _is_told(self, record: logging.LogRecord) -> bool:
        """Not what was cut off by whoever ended the server: an open page asks for answers without end."""
        error = record.exc_info[1] if record.exc_info else None
        return not self._server.should_exit or not (error is None or isinstance(error, asyncio.CancelledError))
