"""Detect stalled, slow and disconnected clients by their socket, which gunicorn provides.

Other servers (runserver, the test client) provide no socket; then these functions do nothing.
"""

import contextlib
import fcntl
import select
import socket
import struct
import sys
import termios
import threading
import time
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest

ARRIVAL_POLL_S = 0.01
# Interval of the check of an upload's speed, and its minimum on average after STALL_TIMEOUT.
WATCH_S = 1.0
LEAST_BYTES_PER_S = 4096
# tcpi_bytes_received in struct tcp_info, linux/tcp.h (since Linux 4.1).
TCP_INFO_BYTES, BYTES_RECEIVED_AT = 136, 128


def socket_of(request: HttpRequest) -> socket.socket | None:
    found: socket.socket | None = request.META.get("gunicorn.socket")
    return found


def drop_stalled(request: HttpRequest) -> None:
    """Close the connection if the client neither sends nor receives for STALL_TIMEOUT."""
    client = socket_of(request)
    if client is not None:
        client.settimeout(settings.STALL_TIMEOUT)


@contextlib.contextmanager
def body_deadline(request: HttpRequest, *, within_s: float) -> Iterator[None]:
    """Shut down reading after `within_s` s, or if the client is too slow.

    The caller reads the end of the body, as if the client had disconnected.

    A client that sends single bytes never stalls. So after STALL_TIMEOUT it must have sent at least
    LEAST_BYTES_PER_S on average.
    """
    client = socket_of(request)
    if client is None:
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_watch_body, args=(client, done, within_s), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _watch_body(client: socket.socket, done: threading.Event, within_s: float) -> None:
    began, had = time.monotonic(), _received_bytes(client)
    while not done.wait(min(WATCH_S, max(0, began + within_s - time.monotonic()))):
        took = time.monotonic() - began
        came = _received_bytes(client)
        is_slow = (
            took > settings.STALL_TIMEOUT
            and came is not None
            and had is not None
            and came - had < LEAST_BYTES_PER_S * took
        )
        if took >= within_s or is_slow:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RD)
            return


def _received_bytes(client: socket.socket) -> int | None:
    """Return the bytes received on the connection; None if the system doesn't report them."""
    if sys.platform != "linux":
        return None
    with contextlib.suppress(OSError, struct.error):
        report = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
        return int(struct.unpack_from("Q", report, BYTES_RECEIVED_AT)[0])
    return None


def has_hung_up(request: HttpRequest) -> bool:
    """Return whether the client has closed the connection."""
    client = socket_of(request)
    if client is None or not hasattr(select, "POLLRDHUP"):
        return False
    poll = select.poll()
    poll.register(client, select.POLLRDHUP | select.POLLERR | select.POLLHUP)
    return bool(poll.poll(0))


def has_arrived(request: HttpRequest) -> bool:
    """Wait until the client's machine has received all bytes; return False if it disconnects first.

    `send` returns when this machine's kernel has the bytes; the client may still reset the
    connection. Waits at most STALL_TIMEOUT, then returns False.
    """
    client = socket_of(request)
    if client is None or sys.platform != "linux":
        return True
    poll = select.poll()
    poll.register(client, select.POLLERR | select.POLLHUP)
    deadline = time.monotonic() + settings.STALL_TIMEOUT
    while time.monotonic() < deadline:
        try:
            waiting = fcntl.ioctl(client, termios.TIOCOUTQ, b"\0\0\0\0")
        except OSError:
            return False
        if poll.poll(0):
            return False
        if struct.unpack("i", waiting)[0] == 0:
            return True
        time.sleep(ARRIVAL_POLL_S)
    return False
