"""The elements of a WebM or Matroska file (RFC 8794, RFC 9559) that ffmpeg reads before clusters.

Matroska's demuxer skips what it can't read, in silence, and goes on with the next cluster. So its
clusters must lie in one piece from the one that a seek lands on, and that one the cues tell.
"""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from converter.pipeline.errors import IncompleteUploadError
from converter.pipeline.source.layout import Layout

EBML, SEGMENT, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
SEEK_HEAD, SEEK, SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AC
INFO, TIMESTAMP_SCALE = 0x1549A966, 0x2AD7B1
TRACKS, TRACK_ENTRY, TRACK_NUMBER, TRACK_TYPE, VIDEO = 0x1654AE6B, 0xAE, 0xD7, 0x83, 1
CUES, CUE_POINT, CUE_TIME, CUE_TRACK_POSITIONS = 0x1C53BB6B, 0xBB, 0xB3, 0xB7
CUE_TRACK, CUE_CLUSTER_POSITION = 0xF7, 0xF1
LEVEL_1 = {SEEK_HEAD, INFO, TRACKS, CUES, 0x1254C367, 0x1043A770, 0x1941A469}

MAX_TABLE_BYTES = 16 << 20
MAX_ELEMENTS = 1000
HEADER_BYTES = 12
# ffmpeg's times are whole milliseconds.
ROUNDING_S = 0.002


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Where clusters begin and end, and the video's cues: (s, offset of the cluster), by time."""

    first_cluster: int
    end: int
    cues: tuple[tuple[float, int], ...]

    def landing(self, at_s: float | None) -> tuple[int, int]:
        """The cluster that a seek to `at_s` lands on, and where to it may have to read.

        None: no seek. Behind its last cue ffmpeg reads to the end, in case there is a later key
        frame; without cues from the beginning.
        """
        index = -1
        if at_s is not None:
            index = bisect.bisect_right(self.cues, (at_s - ROUNDING_S, self.end)) - 1
        if index < 0:
            return self.first_cluster, 0
        near = bisect.bisect_right(self.cues, (self.cues[index][0] + 2 * ROUNDING_S, self.end))
        return self.cues[index][1], self.end if near == len(self.cues) else 0


@dataclass(frozen=True, kw_only=True)
class Element:
    """An element's id, where it and its content begin, and where it ends (None: not said)."""

    id: int
    start: int
    body: int
    end: int | None


def require_elements(file: IO[bytes], layout: Layout) -> Segment:
    """Raise IncompleteUploadError unless all that stands before the clusters, and what the seek
    head names behind them, has come whole; else what they say of the clusters.
    """
    reader = _Reader(file, layout)
    ebml = reader.element(0)
    segment = reader.element(ebml.end) if ebml.id == EBML and ebml.end is not None else None
    if segment is None or segment.id != SEGMENT:
        raise IncompleteUploadError(detail="no segment")
    end = min(layout.size, layout.size if segment.end is None else segment.end)
    found, at = [], segment.body
    for _ in range(MAX_ELEMENTS):
        element = reader.element(at)
        if element.id == CLUSTER:
            break
        found.append(element)
        at = reader.require(element)
    else:
        raise IncompleteUploadError(detail="no cluster")
    found += _sought(reader, found, segment=segment, first_cluster=at)
    return Segment(first_cluster=at, end=end, cues=_cues(reader, found, segment=segment))


class _Reader:
    """Reads elements, but none from a hole."""

    def __init__(self, file: IO[bytes], layout: Layout) -> None:
        self._file = file
        self._layout = layout

    def read(self, start: int, length: int) -> bytes:
        if start >= self._layout.size or not self._layout.covers(start, start + length):
            raise IncompleteUploadError(detail=f"a hole in the element at {start}")
        self._file.seek(start)
        return self._file.read(length)

    def element(self, start: int) -> Element:
        head = self.read(start, HEADER_BYTES)
        identity, at = _number(head, 0, keep_marker=True)
        size, at = _number(head, at, keep_marker=False)
        body = start + at
        return Element(
            id=identity or 0, start=start, body=body, end=None if size is None else body + size
        )

    def require(self, element: Element) -> int:
        """Where the element ends. Raises IncompleteUploadError unless it has come whole."""
        if element.end is None or not self._layout.covers(element.start, element.end):
            raise IncompleteUploadError(detail=f"a hole in {element.id:x} at {element.start}")
        return element.end

    def content(self, element: Element) -> bytes:
        length = self.require(element) - element.body
        if length > MAX_TABLE_BYTES:
            raise IncompleteUploadError(detail=f"{element.id:x} has {length} bytes")
        return self.read(element.body, length) if length else b""


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """A variable-length integer and where it ends; None is the unknown size."""
    first = data[at] if at < len(data) else 0
    length = 9 - first.bit_length()
    if not first or at + length > len(data):
        raise IncompleteUploadError(detail="no element")
    value = int.from_bytes(data[at : at + length])
    mask = (1 << 7 * length) - 1
    if not keep_marker:
        value &= mask
    return (None if not keep_marker and value == mask else value), at + length


def _children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of which `data` consists: id and content."""
    at = 0
    while at < len(data):
        identity, at = _number(data, at, keep_marker=True)
        size, at = _number(data, at, keep_marker=False)
        if size is None or at + size > len(data):
            raise IncompleteUploadError(detail="an element beyond its parent")
        yield identity or 0, data[at : at + size]
        at += size


def _fields(data: bytes, *wanted: int) -> list[int | None]:
    """The first of each unsigned field of `wanted` in `data`."""
    found: dict[int, int] = {}
    for identity, content in _children(data):
        if identity in wanted:
            if len(content) > 8:
                raise IncompleteUploadError(detail="too long a number")
            found.setdefault(identity, int.from_bytes(content))
    return [found.get(identity) for identity in wanted]


def _sought(
    reader: _Reader, found: list[Element], *, segment: Element, first_cluster: int
) -> list[Element]:
    """What the seek heads name behind the first cluster; each must have come."""
    places = set()
    for head in found:
        if head.id != SEEK_HEAD:
            continue
        for identity, content in _children(reader.content(head)):
            (position,) = _fields(content, SEEK_POSITION) if identity == SEEK else [None]
            if position is not None:
                places.add(segment.body + position)
    elements = [reader.element(place) for place in sorted(places) if place > first_cluster]
    for element in elements:
        if element.id in LEVEL_1:
            reader.require(element)
    return elements


def _cues(
    reader: _Reader, found: list[Element], *, segment: Element
) -> tuple[tuple[float, int], ...]:
    """The video's cues; none where there is more than one video, whose cues may differ."""
    scale, videos = 1_000_000, []
    cues = b""
    for element in found:
        if element.id == INFO:
            scale = _fields(reader.content(element), TIMESTAMP_SCALE)[0] or scale
        elif element.id == TRACKS:
            for identity, content in _children(reader.content(element)):
                number, kind = _fields(content, TRACK_NUMBER, TRACK_TYPE)
                if identity == TRACK_ENTRY and kind == VIDEO:
                    videos.append(number)
        elif element.id == CUES and not cues:
            cues = reader.content(element)
    points = []
    for identity, content in _children(cues) if len(videos) == 1 else ():
        (time,) = _fields(content, CUE_TIME) if identity == CUE_POINT else [None]
        if time is None:
            continue
        for inner, places in _children(content):
            if inner == CUE_TRACK_POSITIONS:
                track, cluster = _fields(places, CUE_TRACK, CUE_CLUSTER_POSITION)
                if track in videos and cluster is not None:
                    points.append((time * scale / 1e9, segment.body + cluster))
    return tuple(sorted(points))
