"""gunicorn's threads, given only to requests that are here, and never to clients that dawdle.

As gunicorn 27.0.1 comes, eight clients that send half a request line hold eight threads for ever,
each client that keeps a closed connection open holds the one accepting thread for 2 s, one that
asks and asks and reads nothing holds a thread for ever, and at
`max_requests` nobody is answered until the conversion that happens to run has ended.
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

# How long a request's head may take from its first byte to its last.
HEAD_S = 5.0
# How long a client may read nothing of a response, in s. Downloads have longer
# (client_socket.drop_stalled).
TAKE_S = 5.0
LOOK_EVERY_S = 0.05
# gunicorn's own limits on lines and fields come first for any head that is honest.
LARGEST_HEAD = 64 * 1024
# What a refused upload may still have on its way before the connection is closed.
DRAIN_S = 0.05
LINGERING = 100
# Connections that have sent nothing, or half a head, and wait for more: above this number the
# oldest is closed. gunicorn itself would accept no connection above 1,000 until they time out.
MOST_WAITING = 200
ACCEPT_AT_ONCE = 64


def _write_error(client: socket.socket, status: int, reason: str, message: str) -> None:
    """gunicorn's refusal of a head that it can't read, in the JSON of all errors; no echo of it."""
    from converter.errors import BadRequestError, InternalError

    refusal = InternalError() if status == 500 else BadRequestError()
    body = json.dumps(refusal.payload).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(client, head.encode("latin-1") + body)


util.write_error = _write_error  # gunicorn 27.0.1 writes HTML, and has no other place to say so


class Worker(ThreadWorker):  # type: ignore[misc]
    """The gthread worker of gunicorn 27.0.1, mended; most methods below run in the main thread."""

    max_requests: int
    alive: bool
    nr_conns: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heads: list[tuple[TConn, float]] = []
        self._replace_at, self.max_requests = self.max_requests, sys.maxsize
        self._lingering = threading.BoundedSemaphore(LINGERING)

    def enqueue_req(self, conn: TConn) -> None:
        """A thread for a whole head; a place to wait, without one, for less."""
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
        """Accept the connections that wait; gunicorn accepts one a turn."""
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
        """Look after the half heads between two waits."""
        super().wait_for_and_dispatch_events(min(timeout, LOOK_EVERY_S) if self._heads else timeout)
        self._be_replaced_when_idle()
        waiting, self._heads = self._heads, []
        for conn, deadline in waiting:
            if _is_whole(_received(conn)):
                super().enqueue_req(conn)
            elif time.monotonic() < deadline:
                self._heads.append((conn, deadline))
            else:
                self._drop(conn)

    def _be_replaced_when_idle(self) -> None:
        """After `max_requests`, between two requests; after ten times as many whatever goes on."""
        idle = len(self.keepalived_conns) + len(self.pending_conns) + len(self._heads)
        most = self._replace_at if self.nr_conns <= idle else 10 * self._replace_at
        if self.alive and self.nr >= most:
            self.log.info("%d requests: a new worker takes over", self.nr)
            self.alive = False

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """In a thread; a client that takes no more of its answers does not keep it."""
        conn.sock.settimeout(TAKE_S)
        return super().handle_request(req, conn)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """As gunicorn does, but the wait for the client's goodbye is somebody else's."""
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
        """Whether another request may follow; in a thread, so unread uploads are not waited for."""
        deadline = time.monotonic() + DRAIN_S
        return bool(keepalive) and bool(conn.parser.finish_body(deadline=deadline))


def _received(conn: TConn) -> bytes | None:
    """What has come of the next request, left where it is; None: the client has gone."""
    kept = conn.parser.unreader.buf.getvalue() if conn.parser else b""
    conn.sock.setblocking(False)  # with a timeout Python would wait before it asks
    try:
        waiting = conn.sock.recv(LARGEST_HEAD, socket.MSG_PEEK)
    except BlockingIOError:
        return bytes(kept)
    except OSError:
        return None
    return bytes(kept + waiting) if waiting else None


def _is_whole(head: bytes | None) -> bool:
    """Whether a thread can go on without waiting: a whole head, or the end of the connection.

    >>> _is_whole(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"), _is_whole(None), _is_whole(b"GET /")
    (True, True, False)
    """
    return head is None or b"\r\n\r\n" in head or len(head) >= LARGEST_HEAD
