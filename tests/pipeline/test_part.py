"""A partial upload gives the frames of the whole file, byte for byte, or is refused.

A GIF is made of nothing but these frames. With --long: all starts of all kinds, and more holes.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from converter.pipeline.control import Control
from converter.pipeline.errors import ConversionError, IncompleteUploadError
from converter.pipeline.profile import BACKGROUND, Selection
from converter.pipeline.source.decode import frames, open_clip
from converter.pipeline.source.elements import require_elements
from converter.pipeline.source.layout import Layout
from converter.pipeline.source.source import Source, open_source
from tests.support.parts import (
    KINDS,
    MAX_PIXELS,
    SECONDS,
    make_kind,
    open_part_of,
    page_layout,
)

SMALL = replace(BACKGROUND, width=64, height=36)
# Beginning, middle, last seconds.
STARTS = {"beginning": 0.0, "middle": 11.3, "last": SECONDS - 5.21}
OFTEN = {("b_frames_edit_list.mp4", "beginning"), ("vp9_alpha.webm", "last")} | {
    (name, "middle") for name in KINDS
}


def frames_of(source: Source, start_s: float) -> str:
    """Return the hash of the source's six seconds, as the GIF's encoder gets them."""
    control = Control(timeout_s=100)
    selection = Selection(start_s=start_s)
    digest = hashlib.sha256()
    with open_clip(source, profile=SMALL, selection=selection, control=control) as clip:
        for frame in frames(clip, control=control):
            digest.update(frame)
    return digest.hexdigest()


def whole(path: Path) -> Source:
    return open_source(path, max_pixels=MAX_PIXELS, control=Control(timeout_s=100))


@pytest.fixture
def kind(clips) -> Callable[[str], Path]:
    return lambda name: make_kind(clips, name)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        pytest.param(name, where, marks=() if (name, where) in OFTEN else pytest.mark.long)
        for name in KINDS
        for where in STARTS
    ],
)
def test_the_frames_of_a_part_are_those_of_the_whole_file(kind, tmp_path, name, where):
    path, start_s = kind(name), STARTS[where]
    layout = page_layout(path, start_s)
    assert layout is not None
    part = open_part_of(path, layout, tmp_path, start_s=start_s)
    assert frames_of(part, start_s) == frames_of(whole(path), start_s)


@pytest.mark.parametrize(
    ("name", "share"),
    [("faststart.mp4", 0.6), ("timecode.mov", 0.6), ("hevc.mp4", 0.7), ("vp9.webm", 0.6)],
)
def test_a_part_is_much_less_than_the_whole_file(kind, name, share):
    path = kind(name)
    layout = page_layout(path, 14)
    assert layout is not None
    assert layout.sent_bytes < share * path.stat().st_size


def holes(layout: Layout, seed: int, count: int) -> Iterator[Layout]:
    """Return `count` variants of the layout with one or two further holes."""
    rng = random.Random(seed)
    for _ in range(count):
        ranges = [list(pair) for pair in layout.ranges]
        for _ in range(rng.choice([1, 2])):
            index = rng.randrange(len(ranges))
            offset, length = ranges[index]
            if length < 4:
                continue
            hole = min(length - 2, rng.choice([1, 30, 1000, 20_000, 300_000]))
            at = rng.choice([1, length - hole - 1, rng.randrange(1, length - hole)])
            ranges[index : index + 1] = [
                [offset, at],
                [offset + at + hole, length - at - hole],
            ]
        pairs = tuple((offset, length) for offset, length in ranges if length > 0)
        yield Layout(size=layout.size, ranges=pairs)


@pytest.mark.parametrize("count", [6, pytest.param(100, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "name", ["b_frames_edit_list.mp4", "vp9.webm", "hevc.mp4", "fragmented.mp4"]
)
def test_a_part_with_further_holes_is_refused_or_gives_the_same(kind, tmp_path, name, count):
    path, start_s = kind(name), STARTS["middle"]
    layout = page_layout(path, start_s)
    assert layout is not None
    truth, refused = frames_of(whole(path), start_s), 0
    for number, holey in enumerate(holes(layout, seed=count, count=count)):
        try:
            source = open_part_of(path, holey, tmp_path, start_s=start_s)
        except IncompleteUploadError:
            refused += 1
            continue
        assert frames_of(source, start_s) == truth, f"{number}: {holey.ranges}"
    assert refused > count / 4


def without(layout: Layout, start: int, end: int) -> Layout:
    """Return the layout without the bytes of [start, end)."""
    pieces = []
    for offset, length in layout.ranges:
        pieces += [(offset, min(start, offset + length)), (max(end, offset), offset + length)]
    ranges = tuple((a, b - a) for a, b in pieces if a < b)
    return Layout(size=layout.size, ranges=ranges)


def test_a_webm_without_the_cluster_it_starts_in_is_refused(kind, tmp_path):
    """ffmpeg would continue with the next cluster, without an error."""
    path, start_s = kind("vp9.webm"), STARTS["middle"]
    whole_file = Layout(size=path.stat().st_size, ranges=((0, path.stat().st_size),))
    with path.open("rb") as file:
        segment = require_elements(file, whole_file)
    cluster, _ = segment.seek_range(start_s)
    assert cluster > segment.first_cluster
    holey = without(whole_file, cluster, cluster + 5000)
    with pytest.raises(IncompleteUploadError):
        open_part_of(path, holey, tmp_path, start_s=start_s)


@pytest.mark.parametrize("box", [b"moov", b"stsz"])
def test_a_hole_in_the_movie_box_is_refused(kind, tmp_path, box):
    path = kind("faststart.mp4")
    at = path.read_bytes().index(box) + 8
    size = path.stat().st_size
    holey = Layout(size=size, ranges=((0, at), (at + 1, size - at - 1)))
    with pytest.raises(IncompleteUploadError):
        open_part_of(path, holey, tmp_path, start_s=0)


def test_a_part_that_lacks_its_beginning_is_refused(kind, tmp_path):
    path = kind("faststart.mp4")
    size = path.stat().st_size
    with pytest.raises(IncompleteUploadError):
        open_part_of(path, Layout(size=size, ranges=((1, size - 1),)), tmp_path, start_s=0)


@pytest.mark.parametrize("name", ["faststart.mp4", "vp9.webm"])
def test_the_beginning_alone_is_refused_soon_even_in_64_gib(kind, tmp_path, name):
    """In a hole Matroska's demuxer would search for the next cluster for minutes."""
    path = kind(name)
    layout = Layout(size=64 << 30, ranges=((0, path.stat().st_size // 3),))
    with pytest.raises(ConversionError) as refused:
        open_part_of(path, layout, tmp_path, start_s=11)
    assert refused.value.code == "incomplete_upload"
    assert (tmp_path / "whole").stat().st_blocks * 512 < path.stat().st_size + 200_000
