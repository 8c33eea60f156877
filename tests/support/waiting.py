"""Wait for a condition with a generous deadline."""

import time
from collections.abc import Callable

# Enough for a machine of a third of the usual speed that also has other work.
PATIENCE_S = 90


def eventually(condition: Callable[[], bool], *, within_s: float = PATIENCE_S) -> bool:
    """Poll `condition` until it is true; return False if it is still false after `within_s` s."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < within_s:
        if condition():
            return True
        time.sleep(min(0.02 + waited / 10, 0.3))  # polling takes CPU time from the other tests
    return condition()
