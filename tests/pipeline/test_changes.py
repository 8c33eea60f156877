"""A source that changes its size on the way is shown unstretched and at the right moments.

Each part of such a source has to look as it does alone, whatever else the source is.
"""

import random
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from converter.pipeline.profile import ConversionProfile
from tests.support.decoding import opened
from tests.support.ffmpeg import run_ffmpeg

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


def part(folder: Path, number: int, size: tuple[int, int], branch: str) -> Path:
    """Write second `number` of the source in its own file."""
    suffix, codec, _ = BRANCHES[branch]
    raw = folder / "part.rgba"
    raw.write_bytes(moving_picture(size, number))
    path = folder / f"{number}.{suffix}"
    shape = ("-s", f"{size[0]}x{size[1]}", "-r", "24")
    run_ffmpeg("-f", "rawvideo", "-pix_fmt", "rgba", *shape, "-i", str(raw), *codec, str(path))
    return path


def join(folder: Path, parts: list[Path], branch: str) -> Path:
    """Write the parts one after the other into one file, without encoding them again."""
    suffix, _, before = BRANCHES[branch]
    joined, turned = folder / f"joined.{suffix}", folder / f"turned.{suffix}"
    if suffix == "webm":
        listing = folder / "parts"
        listing.write_text("".join(f"file '{p}'\n" for p in parts))
        how = ("-f", "concat", "-safe", "0", "-i", str(listing))
    else:  # parameter sets in the stream: an MP4 of the concat demuxer has the first part's only
        stream = folder / "joined.h264"
        with stream.open("wb") as file:
            for number, p in enumerate(parts):
                plain = folder / f"{number}.h264"
                run_ffmpeg("-i", str(p), "-c", "copy", "-bsf:v", "h264_mp4toannexb", str(plain))
                file.write(plain.read_bytes())
        how = ("-framerate", "24", "-f", "h264", "-i", str(stream))
    tag = ("-metadata:s:v:0", "alpha_mode=1") if branch == "alpha" else ()
    run_ffmpeg(*how, "-c", "copy", *tag, str(joined))
    if not before:
        return joined
    run_ffmpeg(*before, "-i", str(joined), "-c", "copy", str(turned))
    return turned


def alone(folder: Path, path: Path, branch: str) -> Path:
    """The part as it is in the joined file."""
    before = BRANCHES[branch][2]
    if not before:
        return path
    turned = folder / f"turned-{path.name}"
    run_ffmpeg(*before, "-i", str(path), "-c", "copy", str(turned))
    return turned


def shown(path: Path, **selection) -> list[np.ndarray]:
    with opened(path, PROFILE, **selection) as pictures:
        return [picture.astype(int) for picture in pictures]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize(("one", "other", "fit"), SIZES)
@pytest.mark.parametrize("branch", BRANCHES)
def test_each_part_looks_as_it_does_alone(tmp_path, branch, one, other, fit):
    parts = [part(tmp_path, n, size, branch) for n, size in enumerate((one, other))]
    joined = join(tmp_path, parts, branch)
    pictures = shown(joined, fit=fit)
    first, second = (shown(alone(tmp_path, p, branch), fit=fit) for p in parts)
    assert len(pictures) == 48
    # The bars have the colour of the first picture's border, so a second part's own are another.
    inner = np.s_[20:70, 65:95] if fit == "contain" else np.s_[:, :]
    for k in (0, 12, 22):
        assert difference(pictures[k][inner], first[k][inner]) < 2, k
    for k in (0, 1, 12, 23):
        assert difference(pictures[24 + k][inner], second[k][inner]) < 2, k


@pytest.mark.parametrize("branch", ["plain", "webm", "turned", "hlg"])
def test_a_start_before_at_and_after_the_change_shows_the_right_moments(tmp_path, branch):
    sizes = ((320, 180), (180, 320))
    joined = join(tmp_path, [part(tmp_path, n, s, branch) for n, s in enumerate(sizes)], branch)
    whole = shown(joined)
    for start, expected in [(0.5, 36), (1.0, 24), (1.5, 12)]:
        cut = shown(joined, start_s=start)
        assert len(cut) == pytest.approx(expected, abs=1)
        for k in (0, len(cut) // 2, len(cut) - 2):
            assert difference(cut[k], whole[round(start * 24) + k]) < 2, k


def grey_patch(picture: np.ndarray) -> tuple[int, int]:
    """Width and height in px of the grey in the picture's middle."""
    flat = np.ptp(picture, axis=2) < 30
    height, width = flat.shape
    return int(flat[height * 9 // 20].sum()), int(flat[:, width * 9 // 20].sum())


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
@pytest.mark.parametrize(
    ("sizes", "fit", "expected"),
    [
        (((320, 180), (180, 320)), "cover", (53, 90)),
        (((180, 320), (320, 180)), "cover", (53, 30)),
        (((320, 180), (180, 320)), "contain", (17, 30)),
        (((180, 320), (320, 180)), "contain", (53, 30)),
    ],
)
def test_a_patch_keeps_its_shape_after_the_change(tmp_path, suffix, sizes, fit, expected):
    branch = "plain" if suffix == "mp4" else "webm"
    joined = join(tmp_path, [part(tmp_path, n, s, branch) for n, s in enumerate(sizes)], branch)
    assert grey_patch(shown(joined, fit=fit)[36]) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("branch", BRANCHES)
def test_sizes_that_change_at_random_show_no_other_memory(tmp_path, branch):
    """Every picture is of one grey: whatever a filter reads beside it would be seen."""
    rng = random.Random(7)
    suffix, codec, _ = BRANCHES[branch]
    paths = []
    for n in range(24):
        size = rng.choice([16, 48, 90, 160, 334, 800]), rng.choice([16, 34, 90, 160, 320])
        level = 60 + 5 * n
        source = f"color=0x{level:02x}{level:02x}{level:02x}:s={size[0]}x{size[1]}:r=24:d=0.04"
        paths.append(tmp_path / f"{n}.{suffix}")
        run_ffmpeg("-f", "lavfi", "-i", source, *codec, str(paths[-1]))
    joined = join(tmp_path, paths, branch)
    for fit in ("cover", "contain"):
        once, again = shown(joined, fit=fit), shown(joined, fit=fit)
        assert len(once) == pytest.approx(24, abs=1)
        assert all((a == b).all() for a, b in zip(once, again, strict=True))
        middles = [picture[44:46, 79:81] for picture in once]
        assert max(float(np.ptp(middle)) for middle in middles) <= 6
        if fit == "cover":
            assert max(float(np.ptp(picture)) for picture in once) <= 6
        levels = [float(middle.mean()) for middle in middles]
        assert all(b > a for a, b in zip(levels, levels[2:], strict=False))


def test_ffmpeg_still_says_that_it_drops_a_changed_frame():
    """The words are ffmpeg's own, and decode.py waits for them."""
    binary = Path(imageio_ffmpeg.get_ffmpeg_exe()).read_bytes()
    assert b"Avoiding reinit; dropping frame" in binary
