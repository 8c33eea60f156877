"""What we ask of the client's socket, which gunicorn shows us: stalls, deadlines, arrival.

Other servers (runserver, the test client) show none; then these do nothing.
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


def socket_of(request: HttpRequest) -> socket.socket | None:
    found: socket.socket | None = request.META.get("gunicorn.socket")
    return found


def drop_stalled(request: HttpRequest) -> None:
    """From now on a client that neither sends nor takes anything for STALL_TIMEOUT is cut off."""
    client = socket_of(request)
    if client is not None:
        client.settimeout(settings.STALL_TIMEOUT)


@contextlib.contextmanager
def body_deadline(request: HttpRequest, *, within_s: float) -> Iterator[None]:
    """Within the block the client's body ends after `within_s`: a trickle never stalls."""
    client = socket_of(request)
    if client is None:
        yield
        return
    timer = threading.Timer(within_s, _stop_reading, [client])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _stop_reading(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RD)


def has_hung_up(request: HttpRequest) -> bool:
    """Whether the client has closed its side: nobody is left to take the answer."""
    client = socket_of(request)
    if client is None or not hasattr(select, "POLLRDHUP"):
        return False
    poll = select.poll()
    poll.register(client, select.POLLRDHUP | select.POLLERR | select.POLLHUP)
    return bool(poll.poll(0))


def has_arrived(request: HttpRequest) -> bool:
    """Whether the client's machine has taken all we sent; False if it hung up or stalls.

    A send returns when our own kernel has the bytes; a client that leaves then answers what is
    still on its way with a reset. Waits STALL_TIMEOUT at most.
    """
    client = socket_of(request)
    if client is None or sys.platform != "linux":
        return True
    poll = select.poll()
    poll.register(client, select.POLLERR | select.POLLHUP)
    give_up = time.monotonic() + settings.STALL_TIMEOUT
    while time.monotonic() < give_up:
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
