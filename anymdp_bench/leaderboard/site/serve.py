"""Serve a built site to this machine alone."""

from __future__ import annotations

import functools
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.leaderboard.site.build import MARKER

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")


class _Handler(SimpleHTTPRequestHandler):
    """Hands out files of the site; refuses requests that were addressed to another host's name."""

    def send_head(self) -> Any:
        """Check the Host header first: a foreign page may point its own name at the loopback address."""
        if self.headers.get("Host", "").rpartition(":")[0] not in NAMES:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        """Show no listings."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


def make_server(site: Path, port: int) -> ThreadingHTTPServer:
    """Bind a server to the loopback interface; port 0 takes any free one.

    Raises:
        RecordsError: the folder is no built site.
    """
    if not (site / MARKER).is_file():
        raise RecordsError(f"{site} is no built site. Build it first: anymdp-bench board build --site {site}")
    handler = functools.partial(_Handler, directory=str(site))
    return ThreadingHTTPServer((LOOPBACK, port), handler)
