"""How a running conversion is steered: its deadline, its cancel button, its progress."""

import copy
import time
from collections.abc import Callable

from converter.pipeline.errors import ConversionCanceledError, ConversionTimeoutError

# Percent at which each stage begins and ends; the last percent is the hand-over of the link.
# Decoding and encoding run as one stream of frames: `decode` lasts until the first frame.
STAGES: dict[str, tuple[int, int]] = {
    "decode": (0, 4),
    "encode": (4, 95),
    "verify": (95, 99),
}
STAGES_WITH_THEME: dict[str, tuple[int, int]] = {
    "decode": (0, 4),
    "encode": (4, 55),
    "verify": (55, 57),
    "theme": (57, 99),
}


class Control:
    """One conversion's deadline, cancel and progress; everything that may take long asks it.

    `timeout_s` counts from now. `report(stage, percent)` is called when either changes, the
    percent never falling and never reaching 100. `is_canceled()` must be cheap.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        report: Callable[[str, int], None] = lambda stage, percent: None,
        is_canceled: Callable[[], bool] = lambda: False,
        stages: dict[str, tuple[int, int]] = STAGES,
    ) -> None:
        self.deadline = time.monotonic() + timeout_s
        self.is_canceled = is_canceled
        self._on_progress = report
        self._stages = stages
        self._last: tuple[str, int] = ("", 0)

    def check(self) -> None:
        """Raise ConversionTimeoutError or ConversionCanceledError when it is time to stop."""
        if time.monotonic() >= self.deadline:
            raise ConversionTimeoutError
        if self.is_canceled():
            raise ConversionCanceledError

    def report(self, stage: str, done: float = 0.0) -> None:
        """Say that `stage` is done to the share `done` (0 to 1)."""
        begin, end = self._stages[stage]
        percent = max(self._last[1], begin + int((end - begin) * min(1.0, done)))
        if (stage, percent) != self._last:
            self._last = (stage, percent)
            self._on_progress(stage, percent)

    def with_reserve(self, reserve_s: float) -> "Control":
        """The same control with a deadline `reserve_s` s earlier."""
        other = copy.copy(self)
        other.deadline -= reserve_s
        return other

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline, 0 after it."""
        return max(0.0, self.deadline - time.monotonic())
