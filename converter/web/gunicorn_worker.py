"""A gunicorn worker whose threads can't be blocked by slow clients.

In gunicorn 27.0.1 eight clients that send half a request line block eight threads for ever. A
client that keeps a closed connection open blocks the accepting thread for 2 s. A client that sends
requests and reads nothing blocks a thread for ever. And at `max_requests` no request is answered
until the running conversion has ended.
"""

import json
import select
import socket
import sys
import threading
import time
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

# s from the first to the last byte of a request's head (request line and headers).
HEAD_S = 5.0
# s in which a client may read nothing of a response. Downloads have a longer limit
# (client_socket.drop_stalled).
RESPONSE_TIMEOUT_S = 5.0
HEAD_CHECK_S = 0.05
# For valid heads gunicorn's own limits on lines and fields are lower.
LARGEST_HEAD = 64 * 1024
# Bytes of a refused upload that are read before the connection is closed.
DRAIN_S = 0.05
LINGERING = 100
# Maximal number of connections with an incomplete head; above it the oldest is closed. gunicorn
# itself would accept no connection above 1,000 until they time out.
MOST_WAITING = 200
ACCEPT_AT_ONCE = 64


def _write_error(client: socket.socket, status: int, reason: str, message: str) -> None:
    """Write gunicorn's error for an invalid head as JSON, without a part of the head."""
    from converter.errors import BadRequestError, InternalError

    refusal = InternalError() if status == 500 else BadRequestError()
    body = json.dumps(refusal.payload).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(client, head.encode("latin-1") + body)


util.write_error = _write_error  # gunicorn 27.0.1 writes HTML and has no setting for it


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn 27.0.1's gthread worker with fixes; most methods run in the main thread."""

    max_requests: int
    alive: bool
    nr_conns: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heads: list[tuple[TConn, float]] = []
        self._replace_at, self.max_requests = self.max_requests, sys.maxsize
        self._lingering = threading.BoundedSemaphore(LINGERING)

    def enqueue_req(self, conn: TConn) -> None:
        """Pass a connection with a complete head to a thread; keep others waiting without one."""
        head = _received(conn)
        if _is_whole(head):
            super().enqueue_req(conn)
        elif head:
            self._heads.append((conn, time.monotonic() + HEAD_S))
            if len(self._heads) > MOST_WAITING:
                self._drop(self._heads.pop(0)[0])
        else:
            conn.sock.setblocking(False)
            conn.set_timeout()
            self.pending_conns.append(conn)
            self.poller.register(
                conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn)
            )
            if len(self.pending_conns) > MOST_WAITING:
                oldest = self.pending_conns.popleft()
                self.poller.unregister(oldest.sock)
                self._drop(oldest)

    def accept(self, listener: socket.socket) -> None:
        """Accept all waiting connections; gunicorn accepts one at a time."""
        ready = select.poll()
        ready.register(listener, select.POLLIN)
        for _ in range(ACCEPT_AT_ONCE):
            super().accept(listener)
            if not ready.poll(0):
                return

    def _drop(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Check the incomplete heads between two waits."""
        super().wait_for_and_dispatch_events(min(timeout, HEAD_CHECK_S) if self._heads else timeout)
        self._restart_when_idle()
        waiting, self._heads = self._heads, []
        for conn, deadline in waiting:
            if _is_whole(_received(conn)):
                super().enqueue_req(conn)
            elif time.monotonic() < deadline:
                self._heads.append((conn, deadline))
            else:
                self._drop(conn)

    def _restart_when_idle(self) -> None:
        """Restart after `max_requests` when idle, or after ten times as many in any case."""
        idle = len(self.keepalived_conns) + len(self.pending_conns) + len(self._heads)
        most = self._replace_at if self.nr_conns <= idle else 10 * self._replace_at
        if self.alive and self.nr >= most:
            self.log.info("%d requests: a new worker takes over", self.nr)
            self.alive = False

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Handle a request in a thread, with a time-out for clients that don't read."""
        conn.sock.settimeout(RESPONSE_TIMEOUT_S)
        return super().handle_request(req, conn)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """Finish as gunicorn does, but close gracefully in a separate thread."""
        conn.close = partial(self._close, conn)
        super().finish_request(conn, fs)

    def _close(self, conn: TConn, graceful: bool = False) -> None:
        if graceful and self._lingering.acquire(blocking=False):
            threading.Thread(target=self._linger, args=(conn,), daemon=True).start()
        else:
            TConn.close(conn)

    def _linger(self, conn: TConn) -> None:
        try:
            TConn.close(conn, graceful=True)
        finally:
            self._lingering.release()

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """Return whether the connection stays open; not with an unread upload. In a thread."""
        deadline = time.monotonic() + DRAIN_S
        return bool(keepalive) and bool(conn.parser.finish_body(deadline=deadline))


def _received(conn: TConn) -> bytes | None:
    """Peek at the received part of the next request; None if the client has disconnected."""
    kept = conn.parser.unreader.buf.getvalue() if conn.parser else b""
    conn.sock.setblocking(False)  # with a time-out Python would wait for data
    try:
        waiting = conn.sock.recv(LARGEST_HEAD, socket.MSG_PEEK)
    except BlockingIOError:
        return bytes(kept)
    except OSError:
        return None
    return bytes(kept + waiting) if waiting else None


def _is_whole(head: bytes | None) -> bool:
    """Return whether a thread needn't wait: the head is complete, or the connection has ended.

    >>> _is_whole(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"), _is_whole(None), _is_whole(b"GET /")
    (True, True, False)
    """
    return head is None or b"\r\n\r\n" in head or len(head) >= LARGEST_HEAD
