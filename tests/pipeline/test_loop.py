"""`loop=blend`: the material of every kind of source, and what the frames of the loop show."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from converter.pipeline.control import Control
from converter.pipeline.convert import loop_frames, plan_blend
from converter.pipeline.picture.make import make_animation
from converter.pipeline.profile import ConversionProfile, Selection
from converter.pipeline.source.source import open_source
from tests.support.themes import cut_of, from_frames, pictures_of

PROFILE = ConversionProfile(width=160, height=90, fps=24, seconds=2)
OVERLAPS = (12, 18, 24)  # frames
DARKEST, PER_FRAME = 20, 2  # levels: a frame's grey tells its number


def numbered(count: int, *, size=(160, 90)) -> np.ndarray:
    """Return `count` frames (count, height, width, 3) whose grey tells their number."""
    levels = DARKEST + PER_FRAME * np.arange(count, dtype=np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, *size[::-1], 3)).copy()


def frames_of(clip: Path, folder: Path, *, blend: bool = True, **selection) -> list[np.ndarray]:
    """Return the loop's frames, as the GIF's encoder gets them."""
    control = Control(timeout_s=60)
    source = open_source(clip, max_pixels=1_000_000, control=control)
    chosen = Selection(**selection)
    loop = None
    if blend:
        loop = plan_blend(source, selection=chosen, profile=PROFILE, control=control)
    with loop_frames(
        source, selection=chosen, profile=PROFILE, loop=loop, folder=folder, control=control
    ) as shown:
        return list(shown)


def number_in(frame: np.ndarray) -> float:
    """Return the number of the source's frame that the middle of `frame` shows."""
    return (float(frame[40:50, 70:90].mean()) - DARKEST) / PER_FRAME


def as_gif(clip: Path) -> Path:
    """Return the clip as a GIF of 25 frames a second beside it, in delays of 4 cs."""
    gif = clip.with_suffix(".gif")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-r", "25", "-i", str(clip)]
    subprocess.run([*command, str(gif)], check=True)
    return gif


def with_gaps(clip: Path) -> Path:
    """Return the clip without the second and third of every five frames, their times kept."""
    sparse = clip.with_name("sparse.mp4")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(clip)]
    keep = ["-vf", "select='not(between(mod(n,5),1,2))'", "-fps_mode", "vfr", "-qp", "4"]
    subprocess.run([*command, *keep, str(sparse)], check=True)
    return sparse


def test_the_beginning_blends_out_of_the_frames_after_the_selection(tmp_path):
    clip = from_frames(tmp_path / "clip.mp4", numbered(100))
    shown = [number_in(frame) for frame in frames_of(clip, tmp_path, start_s=1.0)]
    assert len(shown) == PROFILE.frames
    assert shown[-1] == pytest.approx(71, abs=1)
    assert abs(shown[0] - 72) < 12  # the first frame of the overlap is nearly the next one
    assert shown[24:] == pytest.approx(range(48, 72), abs=1)


def test_the_end_blends_into_the_frames_before_the_selection_if_the_source_ends_there(tmp_path):
    clip = from_frames(tmp_path / "clip.mp4", numbered(72))
    shown = [number_in(frame) for frame in frames_of(clip, tmp_path, start_s=1.0)]
    assert len(shown) == PROFILE.frames
    assert shown[:24] == pytest.approx(range(24, 48), abs=1)
    assert abs(shown[-1] - 23) < 12


def test_a_source_without_other_frames_gives_a_loop_shorter_by_the_overlap(tmp_path):
    clip = from_frames(tmp_path / "clip.mp4", numbered(48))
    shown = [number_in(frame) for frame in frames_of(clip, tmp_path)]
    assert 48 - len(shown) in OVERLAPS
    assert shown[-1] == pytest.approx(len(shown) - 1, abs=1)
    assert abs(shown[0] - len(shown)) < 12


def test_a_few_frames_after_the_six_seconds_shorten_the_loop_by_less(tmp_path):
    clip = from_frames(tmp_path / "clip.mp4", numbered(54))
    assert 54 - len(frames_of(clip, tmp_path)) in OVERLAPS


def test_less_than_a_second_is_cut(tmp_path):
    clip = from_frames(tmp_path / "clip.mp4", numbered(23))
    blended, cut = (frames_of(clip, tmp_path, blend=blend) for blend in (True, False))
    assert np.array_equal(blended, cut)


def test_a_loop_without_a_visible_seam_stays_a_cut(tmp_path):
    once = numbered(24)
    clip = from_frames(tmp_path / "clip.mp4", np.concatenate([once, once[::-1]] * 2))
    blended, cut = (frames_of(clip, tmp_path, blend=blend) for blend in (True, False))
    assert np.array_equal(blended, cut)


def test_a_start_after_the_end_gives_the_same_error_as_with_a_cut(tmp_path):
    clip = from_frames(tmp_path / "clip.mp4", numbered(48))
    control = Control(timeout_s=60)
    source = open_source(clip, max_pixels=1_000_000, control=control)
    late = Selection(start_s=2.5)
    assert plan_blend(source, selection=late, profile=PROFILE, control=control) is None


@pytest.mark.parametrize(
    ("kind", "fit", "start_s"),
    [
        ("cfr", "cover", 0.0),
        ("cfr", "cover", 0.3),
        ("vfr", "cover", 1.0),
        ("gif", "cover", 0.3),
        ("gif", "contain", 1.0),
        ("upright", "cover", 1.0),
        ("upright", "contain", 0.3),
    ],
)
def test_frames_outside_the_overlap_are_those_of_a_cut(tmp_path, kind, fit, start_s):
    size = (90, 160) if kind == "upright" else (160, 90)
    clip = from_frames(tmp_path / "clip.mp4", numbered(100, size=size))
    clip = {"gif": as_gif, "vfr": with_gaps}.get(kind, lambda same: same)(clip)
    blended, cut = (
        frames_of(clip, tmp_path, blend=blend, start_s=start_s, fit=fit) for blend in (True, False)
    )
    assert len(blended) == len(cut) == PROFILE.frames
    assert np.array_equal(blended[24:], cut[24:])
    steps = np.abs(np.diff([number_in(frame) for frame in [*blended, blended[0]]]))
    assert steps.max() < 9  # a cut's is 47


def test_the_bars_of_contain_keep_their_colour(tmp_path):
    clip = from_frames(tmp_path / "clip.mp4", numbered(100, size=(90, 160)))
    shown = frames_of(clip, tmp_path, start_s=1.0, fit="contain")
    assert len({tuple(frame[45, 1]) for frame in shown}) == 1


LARGER = ConversionProfile(width=320, height=180, fps=24, seconds=2)


def moving(count: int, *, size) -> np.ndarray:
    """Return `count` frames in which a light disc and a dark one move at their own pace."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    frames = np.full((count, height, width, 3), 120, np.uint8)
    for number, frame in enumerate(frames):
        frame[(x - width * number / count) ** 2 + (y - height / 3) ** 2 < 900] = (230, 200, 60)
        frame[(x - width / 2) ** 2 + (y - height * (1 - number / count)) ** 2 < 600] = (20, 30, 90)
    return frames


@pytest.mark.parametrize(
    ("count", "start_s", "fit", "size"),
    [
        (100, 1.0, "cover", (320, 180)),
        (72, 1.0, "cover", (320, 180)),
        (48, 0.0, "cover", (320, 180)),
        (100, 1.0, "contain", (120, 180)),
    ],
)
def test_gif_and_picture_have_the_same_loop(tmp_path, count, start_s, fit, size):
    clip = from_frames(tmp_path / "clip.mp4", moving(count, size=size))
    control = Control(timeout_s=100)
    selection = Selection(start_s=start_s, fit=fit)
    source = open_source(clip, max_pixels=1_000_000, control=control)
    loop = plan_blend(source, selection=selection, profile=LARGER, control=control)
    assert loop is not None
    with loop_frames(
        source, selection=selection, profile=LARGER, loop=loop, folder=tmp_path, control=control
    ) as shown:
        of_gif = list(shown)
    border = tuple(int(level) for level in of_gif[0][0, 0])
    cut = cut_of(clip, selection=selection, profile=LARGER, border=border, loop=loop)
    made = make_animation(
        cut,
        tmp_path / "loop.avif",
        size=(320, 180),
        frames=loop.frames,
        control=control,
        report=lambda share: None,
    )
    of_picture = pictures_of(made.path)
    assert len(of_picture) == len(of_gif) == loop.frames
    for one, other in zip(of_gif, of_picture, strict=True):
        difference = np.abs(one.astype(int) - other)
        assert difference.mean() < 2.5
        assert np.percentile(difference, 99) < 40
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "loop.avif"]
