"""Control a running conversion: deadline, cancel flag and progress."""

import copy
import time
from collections.abc import Callable, Sequence

from converter.pipeline.errors import ConversionCanceledError, ConversionTimeoutError

Stages = dict[str, tuple[int, int]]
# The relative duration of each stage. Decoding and encoding run at the same time: `decode` lasts
# until the first frame.
_WEIGHTS = {"decode": 3, "encode": 60, "verify": 3, "picture": 15, "theme": 55}


def stages_with(*extras: str) -> Stages:
    """Return each stage's begin and end in percent, of a GIF and `extras` ("picture", "theme").

    The last percent is for creating the links.

    >>> stages_with("theme")["theme"]
    (54, 99)
    """
    names = ["decode", "encode", "verify", *extras]
    ends = [99 * sum(_WEIGHTS[n] for n in names[:k]) for k in range(len(names) + 1)]
    total = sum(_WEIGHTS[name] for name in names)
    return {n: (ends[k] // total, ends[k + 1] // total) for k, n in enumerate(names)}


class Control:
    """One conversion's deadline, cancel flag and progress; long steps call `check`.

    `timeout_s` counts from now. `report(stage, percent)` is called when either changes; the percent
    never decreases and never reaches 100. `is_canceled()` must be fast. `extras` are those of
    `stages_with`.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        report: Callable[[str, int], None] = lambda stage, percent: None,
        is_canceled: Callable[[], bool] = lambda: False,
        extras: Sequence[str] = (),
    ) -> None:
        self.deadline = time.monotonic() + timeout_s
        self.is_canceled = is_canceled
        self._on_progress = report
        self._stages = stages_with(*extras)
        self._last: tuple[str, int] = ("", 0)

    def check(self) -> None:
        """Raise ConversionTimeoutError or ConversionCanceledError if the conversion must stop."""
        if time.monotonic() >= self.deadline:
            raise ConversionTimeoutError
        if self.is_canceled():
            raise ConversionCanceledError

    def report(self, stage: str, done: float = 0.0) -> None:
        """Report the share `done` (0 to 1) of `stage`."""
        begin, end = self._stages[stage]
        percent = max(self._last[1], begin + int((end - begin) * min(1.0, done)))
        if (stage, percent) != self._last:
            self._last = (stage, percent)
            self._on_progress(stage, percent)

    def with_reserve(self, reserve_s: float) -> "Control":
        """Return the same control with a deadline `reserve_s` s earlier."""
        other = copy.copy(self)
        other.deadline -= reserve_s
        return other

    def also_canceled_by(self, is_canceled: Callable[[], bool]) -> "Control":
        """Return the same control with one more reason to be canceled."""
        other = copy.copy(self)
        other.is_canceled = lambda: is_canceled() or self.is_canceled()
        return other

    @property
    def remaining_s(self) -> float:
        """Return the seconds until the deadline, 0 after it."""
        return max(0.0, self.deadline - time.monotonic())
