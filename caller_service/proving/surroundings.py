"""Servers and clients around the service in a benchmark, in threads of this process."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections alive, sends each response in one piece, and logs nothing."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece

    def read(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def say(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


class Server:
    """Serves an app on a free port while the block runs."""

    def __init__(self, handler: type[QuietHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


HALF_HEAD = b"POST /twilio/sms HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le"
HALF_BODY = (
    b"POST /twilio/sms HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\nFrom=%2B1720"
)
STALLS = (b"", HALF_HEAD, HALF_BODY)  # what a stalling client sends before it falls silent


def stalled(port: int, sent: bytes) -> socket.socket | None:
    """A client that sends part of a request and stops; None if the connection is refused."""
    try:
        client = socket.create_connection(("127.0.0.1", port), timeout=2)
        client.sendall(sent)
    except OSError:
        return None
    return client


class StalledClients:
    """This many stalling clients of each kind; those that are disconnected reconnect."""

    def __init__(self, port: int, many: int) -> None:
        self._port, self._many = port, many
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._stall, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _stall(self) -> None:
        clients: list[socket.socket] = []
        while not self._over.wait(0.2):
            clients = [client for client in clients if not _let_go(client)]
            more = range(len(clients), self._many)
            opened = (stalled(self._port, STALLS[place % len(STALLS)]) for place in more)
            clients += [client for client in opened if client is not None]
        for client in clients:
            client.close()


def _let_go(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        gone = client.recv(4096) == b""
    except BlockingIOError:
        return False
    except OSError:
        gone = True
    if gone:
        client.close()
    return gone
