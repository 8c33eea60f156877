"""TCP ports for test servers."""

import contextlib
import random
import socket


def free_port() -> int:
    """Return a port on 127.0.0.1 that no process uses.

    The port lies below the range from which the kernel picks ports for outgoing connections (32768
    and up on Linux), so no connection can take it before the server binds it. `random` isn't used
    because other tests seed it.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
