"""Parse the elements of a WebM or Matroska file that ffmpeg reads before the clusters.

ffmpeg's demuxer skips unreadable data without an error and continues with the next cluster. So
there must be no hole from the cluster on at which a seek arrives. The cues say which one that is.
The format is described in RFC 8794 and RFC 9559.
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
TAGS, CHAPTERS, ATTACHMENTS = 0x1254C367, 0x1043A770, 0x1941A469
LEVEL_1 = {SEEK_HEAD, INFO, TRACKS, CUES, TAGS, CHAPTERS, ATTACHMENTS}

MAX_TABLE_BYTES = 16 << 20
MAX_ELEMENTS = 1000
HEADER_BYTES = 12  # the longest id (4) and size (8)
# ffmpeg's times are whole milliseconds.
ROUNDING_S = 0.002


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A segment: the offsets of its first cluster and of its end, and the video's cues.

    A cue is (time in s, offset of the cluster); they are sorted by time.
    """

    first_cluster: int
    end: int
    cues: tuple[tuple[float, int], ...]

    def seek_range(self, at_s: float | None) -> tuple[int, int]:
        """Return the offset of the cluster at which a seek to `at_s` arrives, and the offset up to
        which ffmpeg then may read to find a key frame (0 if it reads only the packets it delivers).

        Without a seek (None) and without cues ffmpeg reads from the first cluster. After the last
        cue it reads to the end of the segment, to look for a later key frame.
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
    """An element: its id, the offsets of its header, its content and its end (None: unknown)."""

    id: int
    start: int
    body: int
    end: int | None


def require_elements(file: IO[bytes], layout: Layout) -> Segment:
    """Return the segment that the elements before the first cluster describe.

    Raises IncompleteUploadError unless these elements, and those after the clusters that the seek
    head refers to, were sent whole.
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
    found += _seek_targets(reader, found, segment=segment, first_cluster=at)
    return Segment(first_cluster=at, end=end, cues=_cues(reader, found, segment=segment))


class _Reader:
    """Read elements. Each method raises IncompleteUploadError for a hole."""

    def __init__(self, file: IO[bytes], layout: Layout) -> None:
        self._file = file
        self._layout = layout

    def read(self, start: int, length: int) -> bytes:
        """Read `length` bytes at `start`; fewer at the end of the file."""
        if start >= self._layout.size or not self._layout.covers(start, start + length):
            raise IncompleteUploadError(detail=f"a hole in the element at {start}")
        self._file.seek(start)
        return self._file.read(length)

    def element(self, start: int) -> Element:
        """Read the header of the element at `start`."""
        head = self.read(start, HEADER_BYTES)
        identity, at = _number(head, 0, keep_marker=True)
        size, at = _number(head, at, keep_marker=False)
        body = start + at
        return Element(
            id=identity or 0, start=start, body=body, end=None if size is None else body + size
        )

    def require(self, element: Element) -> int:
        """Return the offset of the element's end. The whole element must have been sent."""
        if element.end is None or not self._layout.covers(element.start, element.end):
            raise IncompleteUploadError(detail=f"a hole in {element.id:x} at {element.start}")
        return element.end

    def content(self, element: Element) -> bytes:
        """Read the element's content. Raises IncompleteUploadError above MAX_TABLE_BYTES too."""
        length = self.require(element) - element.body
        if length > MAX_TABLE_BYTES:
            raise IncompleteUploadError(detail=f"{element.id:x} has {length} bytes")
        return self.read(element.body, length) if length else b""


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """Return the variable-length integer at `at` (RFC 8794, 4) and the offset after it.

    The integer is None for an unknown size. `keep_marker` is for ids, which include the length
    marker. Raises IncompleteUploadError.
    """
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
    """Yield id and content of the elements in `data`. Raises IncompleteUploadError."""
    at = 0
    while at < len(data):
        identity, at = _number(data, at, keep_marker=True)
        size, at = _number(data, at, keep_marker=False)
        if size is None or at + size > len(data):
            raise IncompleteUploadError(detail="an element beyond its parent")
        yield identity or 0, data[at : at + size]
        at += size


def _fields(data: bytes, *wanted: int) -> list[int | None]:
    """Return the first unsigned integer with each id of `wanted` in `data`; None if missing."""
    found: dict[int, int] = {}
    for identity, content in _children(data):
        if identity in wanted:
            if len(content) > 8:
                raise IncompleteUploadError(detail="a number of more than 8 bytes")
            found.setdefault(identity, int.from_bytes(content))
    return [found.get(identity) for identity in wanted]


def _seek_targets(
    reader: _Reader, found: list[Element], *, segment: Element, first_cluster: int
) -> list[Element]:
    """Return the elements after the first cluster that the seek heads in `found` refer to."""
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
    """Return the video's cues, sorted; none for several video tracks, whose cues may differ."""
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
