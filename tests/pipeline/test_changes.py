"""A source that changes its size within the clip is shown unstretched and at the right times.

Each part of such a source has to look as it does alone, whatever else the source is. A third of the
branches x sizes always runs, so that each branch meets three sizes or two and each size two
branches; --long runs all of them.
"""

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from converter.pipeline.profile import ConversionProfile
from tests.support.decoding import opened
from tests.support.ffmpeg import run_ffmpeg

pytestmark = pytest.mark.xdist_group("changes")  # the tests share their sources
PROFILE = ConversionProfile(width=160, height=90, fps=24, seconds=3)
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-crf", "8", "-pix_fmt", "yuv420p")
P3 = ("-color_primaries", "smpte432", "-color_trc", "bt709", "-colorspace", "bt709")
HLG = ("-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc")
TURNED = ("-display_rotation", "90")
VP8 = ("-c:v", "libvpx", "-b:v", "2M", "-deadline", "realtime", "-pix_fmt", "yuv420p")
VP9 = ("-c:v", "libvpx-vp9", "-b:v", "2M", "-deadline", "realtime", "-cpu-used", "8")
# Branch: suffix, encoder's options, options before the input when the parts are joined.
BRANCHES = {
    "plain": ("mp4", H264, ()),
    "webm": ("webm", VP8, ()),
    "turned": ("mp4", H264, TURNED),
    "p3": ("mp4", (*H264, *P3), ()),
    "hlg": ("mov", (*H264, *HLG), ()),
    "alpha": ("webm", (*VP9, "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"), ()),
}
# The same shape, another shape, and strips, which are cropped before they are scaled.
SIZES = [
    ((320, 180), (160, 90), "cover"),
    ((320, 180), (180, 320), "cover"),
    ((180, 320), (320, 180), "cover"),
    ((800, 160), (400, 80), "cover"),
    ((120, 120), (80, 400), "cover"),
    ((320, 180), (180, 320), "contain"),
    ((180, 320), (320, 180), "contain"),
]


def moving_picture(size: tuple[int, int], first: float) -> bytes:
    """One second in rgba: coloured quarters, and a grey that rises with the time, from `first` s.

    Of the upper left quarter a part is transparent.
    """
    width, height = size
    frames = np.zeros((24, height, width, 4), np.uint8)
    half_x, half_y = width // 2, height // 2
    frames[:, :half_y, :half_x, :3], frames[:, :half_y, half_x:, :3] = (210, 40, 40), (40, 160, 40)
    frames[:, half_y:, :half_x, :3], frames[:, half_y:, half_x:, :3] = (40, 40, 210), (200, 200, 40)
    frames[..., 3] = 255
    frames[:, : height // 4, : width // 4, 3] = 0
    for n, frame in enumerate(frames):
        grey = 60 + 80 * (first + n / 24)
        frame[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3, :3] = round(grey)
    return frames.tobytes()


def encode(folder: Path, inputs: list[str], branch: str, count: int) -> list[Path]:
    """Encode `count` inputs, each in its own file and, for H.264, also in a bare stream."""
    suffix, codec, _ = BRANCHES[branch]
    paths, outputs = [folder / f"{number}.{suffix}" for number in range(count)], []
    for number, path in enumerate(paths):
        bare = [] if suffix == "webm" else [path.with_suffix(".h264")]
        for target in (path, *bare):
            outputs += ["-map", f"{number}:v", *codec, "-threads", "1", str(target)]
    run_ffmpeg(*inputs, *outputs)
    return paths


def join(folder: Path, parts: list[Path], branch: str) -> Path:
    """Write the parts one after the other into one file, without encoding them again."""
    suffix = BRANCHES[branch][0]
    joined = folder / f"joined.{suffix}"
    if suffix == "webm":
        listing = folder / "parts"
        listing.write_text("".join(f"file '{p}'\n" for p in parts))
        how = ("-f", "concat", "-safe", "0", "-i", str(listing))
    else:  # parameter sets in the stream: an MP4 of the concat demuxer has the first part's only
        stream = folder / "joined.h264"
        stream.write_bytes(b"".join(p.with_suffix(".h264").read_bytes() for p in parts))
        how = ("-framerate", "24", "-f", "h264", "-i", str(stream))
    tag = ("-metadata:s:v:0", "alpha_mode=1") if branch == "alpha" else ()
    run_ffmpeg(*how, "-c", "copy", *tag, str(joined))
    return joined


def turned(paths: list[Path], branch: str) -> list[Path]:
    """Return copies of the files with the branch's input options, or the files if it has none."""
    before = BRANCHES[branch][2]
    if not before:
        return paths
    copies = [path.with_stem(f"turned-{path.stem}") for path in paths]
    inputs = [part for path in paths for part in (*before, "-i", str(path))]
    outputs = [
        part
        for number, copy in enumerate(copies)
        for part in ("-map", f"{number}:v", "-c", "copy", str(copy))
    ]
    run_ffmpeg(*inputs, *outputs)
    return copies


@dataclass(frozen=True)
class Changing:
    """A source of two seconds whose size changes after the first, and its two parts as files."""

    joined: Path
    parts: list[Path]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Callable[..., Changing]:
    """Return a function that makes the source of a branch and two sizes, once each."""

    @functools.cache
    def make(branch: str, one: tuple[int, int], other: tuple[int, int]) -> Changing:
        folder = tmp_path_factory.mktemp("changing")
        inputs = []
        for number, size in enumerate((one, other)):
            raw = folder / f"{number}.rgba"
            raw.write_bytes(moving_picture(size, number))
            shape = ("-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{size[0]}x{size[1]}")
            inputs += [*shape, "-r", "24", "-i", str(raw)]
        parts = encode(folder, inputs, branch, 2)
        joined, *parts = turned([join(folder, parts, branch), *parts], branch)
        return Changing(joined, parts)

    return make


def shown(path: Path, **selection) -> list[np.ndarray]:
    with opened(path, PROFILE, **selection) as pictures:
        return [picture.astype(int) for picture in pictures]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


CROSS = [
    pytest.param(branch, *sizes, marks=[] if (column + row) % 3 == 0 else pytest.mark.long)
    for row, branch in enumerate(BRANCHES)
    for column, sizes in enumerate(SIZES)
]


@pytest.mark.parametrize(("branch", "one", "other", "fit"), CROSS)
def test_each_part_looks_as_it_does_alone(source, branch, one, other, fit):
    made = source(branch, one, other)
    pictures = shown(made.joined, fit=fit)
    first, second = (shown(path, fit=fit) for path in made.parts)
    assert len(pictures) == 48
    # The bars have the colour of the first picture's border, so a second part's own are another.
    inner = np.s_[20:70, 65:95] if fit == "contain" else np.s_[:, :]
    for k in (0, 12, 22):
        assert difference(pictures[k][inner], first[k][inner]) < 2, k
    for k in (0, 1, 12, 23):
        assert difference(pictures[24 + k][inner], second[k][inner]) < 2, k


@pytest.mark.parametrize("branch", ["plain", "webm", "turned", "hlg"])
def test_a_start_before_at_and_after_the_change_shows_the_right_moments(source, branch):
    joined = source(branch, (320, 180), (180, 320)).joined
    whole = shown(joined)
    for start, expected in [(0.5, 36), (1.0, 24), (1.5, 12)]:
        cut = shown(joined, start_s=start)
        assert len(cut) == pytest.approx(expected, abs=1)
        for k in (0, len(cut) // 2, len(cut) - 2):
            assert difference(cut[k], whole[round(start * 24) + k]) < 2, k


def grey_patch(picture: np.ndarray) -> tuple[int, int]:
    """Return the width and height in px of the grey area in the picture's middle."""
    flat = np.ptp(picture, axis=2) < 30
    height, width = flat.shape
    return int(flat[height * 9 // 20].sum()), int(flat[:, width * 9 // 20].sum())


PATCHES = [
    ("plain", ((320, 180), (180, 320)), "cover", (53, 90)),
    ("webm", ((180, 320), (320, 180)), "cover", (53, 30)),
    ("webm", ((320, 180), (180, 320)), "contain", (17, 30)),
    ("plain", ((180, 320), (320, 180)), "contain", (53, 30)),
]


@pytest.mark.parametrize(("branch", "sizes", "fit", "expected"), PATCHES)
def test_a_patch_keeps_its_shape_after_the_change(source, branch, sizes, fit, expected):
    joined = source(branch, *sizes).joined
    assert grey_patch(shown(joined, fit=fit)[36]) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("branch", BRANCHES)
def test_sizes_that_change_at_random_show_no_other_memory(tmp_path, branch):
    """Every picture has one grey level, so any other memory that a filter reads would show."""
    rng = random.Random(9)
    inputs = []
    for n in range(12):
        size = rng.choice([16, 48, 90, 160, 334, 800]), rng.choice([16, 34, 90, 160, 320])
        level = 60 + 10 * n
        colour = f"color=0x{level:02x}{level:02x}{level:02x}:s={size[0]}x{size[1]}:r=24:d=0.04"
        inputs += ["-f", "lavfi", "-i", colour]
    parts = encode(tmp_path, inputs, branch, 12)
    (joined,) = turned([join(tmp_path, parts, branch)], branch)
    for fit in ("cover", "contain"):
        once = shown(joined, fit=fit)
        assert len(once) == pytest.approx(12, abs=1)
        if fit == "contain":  # `cover` below has one grey, which cannot differ from run to run
            assert all((a == b).all() for a, b in zip(once, shown(joined, fit=fit), strict=True))
        middles = [picture[44:46, 79:81] for picture in once]
        assert max(float(np.ptp(middle)) for middle in middles) <= 6
        if fit == "cover":
            assert max(float(np.ptp(picture)) for picture in once) <= 6
        levels = [float(middle.mean()) for middle in middles]
        assert all(b > a for a, b in zip(levels, levels[2:], strict=False))


def test_ffmpeg_prints_its_message_on_a_dropped_frame():
    """decode.py searches for this message."""
    binary = Path(imageio_ffmpeg.get_ffmpeg_exe()).read_bytes()
    assert b"Avoiding reinit; dropping frame" in binary
