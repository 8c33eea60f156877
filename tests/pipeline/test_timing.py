"""Frame k shows the source at start + k/24 s, within one frame.

The brightness of the clips encodes their time: the left half rises over the whole clip, the right
half over each second.
"""

from pathlib import Path

import numpy as np
import pytest

from converter.pipeline.profile import ConversionProfile, Selection
from tests.support.decoding import decoding

PROFILE = ConversionProfile(width=64, height=36, fps=24, seconds=6)
FRAME_S = 1 / 24
LENGTH_S = 10
# Y = 16 + 21 T (0 to 10 s) on the left, 16 + 210 (T mod 1) on the right.
CLOCK = "geq=lum='if(lt(X,32),16+21*T,16+210*mod(T,1))':cb=128:cr=128"
VP9 = ("-c:v", "libvpx-vp9", "-lossless", "1", "-deadline", "realtime", "-cpu-used", "8")
LOSSLESS = ("-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p", "-g", "48")


def clock_clip(clips, name: str, *, rate: str = "24", keep: str = "1", extra=()) -> Path:
    source = f"nullsrc=s=64x36:r={rate}:d={LENGTH_S},format=yuv420p,{CLOCK},select='{keep}'"
    return clips(name, "-f", "lavfi", "-i", source, "-fps_mode", "vfr", *LOSSLESS, *extra)


def decoded(path: Path, start: float) -> list[np.ndarray]:
    with decoding(path, profile=PROFILE, selection=Selection(start_s=start)) as shown:
        return list(shown)


def clock_of(frame: np.ndarray) -> float:
    """Return the source time in s that a frame shows."""
    left, right = (
        float(frame[8:28, cols].mean()) * 219 / 255 for cols in (slice(4, 26), slice(38, 60))
    )
    coarse, fine = left / 21, right / 210
    return round(coarse - fine) + fine


def shown_at(times: list[float], t: float) -> float:
    """Return which of the source's frame times is on screen at `t`."""
    return max((s for s in times if s <= t + 1e-6), default=times[0])


def every(rate: float) -> list[float]:
    return [k / rate for k in range(round(LENGTH_S * rate))]


SOURCES = {
    "cfr24": (24, "1", every(24)),
    "cfr30": (30, "1", every(30)),
    "cfr60": (60, "1", every(60)),
    "cfr10": (10, "1", every(10)),
    "hole": (30, "lt(t,2)+gte(t,6)", [t for t in every(30) if t < 1.999 or t >= 5.999]),
    "one_a_second": (24, "not(mod(n,24))", every(1)),
    "vfr": (
        30,
        "not(mod(n,7))+not(mod(n,3))",
        [n / 30 for n in range(300) if n % 7 == 0 or n % 3 == 0],
    ),
}


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
@pytest.mark.parametrize("start", [0.0, 2.5, 8.5])
@pytest.mark.parametrize("name", SOURCES)
def test_every_frame_shows_its_source_time(clips, name, start, suffix):
    rate, keep, times = SOURCES[name]
    codec = VP9 if suffix == "webm" else ()
    path = clock_clip(clips, f"{name}.{suffix}", rate=str(rate), keep=keep, extra=codec)

    shown = [clock_of(frame) for frame in decoded(path, start)]

    wrong = [
        (k, seen)
        for k, seen in enumerate(shown)
        if not shown_at(times, start + (k - 1) * FRAME_S) - 0.01
        <= seen
        <= shown_at(times, start + (k + 1) * FRAME_S) + 0.01
    ]
    assert wrong == []


@pytest.mark.parametrize(("start", "count"), [(0.0, 144), (2.5, 144), (4.0, 144), (9.0, 24)])
def test_a_clip_that_ends_early_gives_the_remaining_frames(clips, start, count):
    assert len(decoded(clock_clip(clips, "cfr24.mp4"), start)) == count
