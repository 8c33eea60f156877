"""Check that a partial upload contains every byte that ffmpeg reads for one selection.

In a hole ffmpeg may fail, repeat a picture or skip pictures, with or without an error, so its
errors are no sufficient check. The structures that describe the file must be complete (`boxes.py`,
`elements.py`). Then ffmpeg lists the packets that it reads: a stream copy through the same demuxer
and the same seek as the decode writes each packet's position in the file. The upload is refused if
a packet lies in a hole, or if ffmpeg would have to skip a Matroska cluster.
"""

import copy
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.errors import ConversionTimeoutError, IncompleteUploadError
from converter.pipeline.ffmpeg import ffmpeg
from converter.pipeline.source import boxes, elements
from converter.pipeline.source.decode import seek_arguments
from converter.pipeline.source.layout import Layout, lay_out
from converter.pipeline.source.probe import PROBE_BYTES, Probe, input_arguments
from converter.pipeline.source.sniff import DOC_TYPE_WITHIN, Container, sniff
from converter.pipeline.source.source import Source, open_source

# Listing takes milliseconds, but Matroska's demuxer searches for minutes in a hole.
LISTING_S = 20
MAX_PACKETS = 200_000
# The columns of framecrc carry three numbers of each packet: the decoding time, the position in the
# file and the presentation time. OFFSET keeps the last two above 0 and above the first, as ffmpeg
# requires of a pts and a duration.
OFFSET = 1 << 45
COLUMNS = f"setts=pts=POS+{OFFSET}:dts=DTS:duration=PTS+{OFFSET}"
# Packets are required until this long after the selection, because ffmpeg rounds times to frames.
MARGIN_S = 0.1

_PROBED = re.compile(r"After avformat_find_stream_info\(\).* frames:(\d+)$", re.MULTILINE)
_START = re.compile(r"^ {2}Duration: .*, start: (-?\d+\.\d+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Packet:
    """One packet: its stream, the position of its bytes in the file (None: unknown) and their
    number, and its decoding and presentation time in s, relative to the start of the copy.
    """

    stream: int
    is_video: bool
    position: int | None
    size: int
    decoded_s: float
    shown_s: float


def open_part(
    upload: Path,
    layout: Layout,
    *,
    target: Path,
    start_s: float,
    seconds: float,
    max_pixels: int,
    control: Control,
) -> Source:
    """Restore the file at `target` as a sparse file and open it for `seconds` from `start_s`.

    Raises IncompleteUploadError if decoding them would read a hole, and the exceptions of `lay_out`
    and `open_source`.
    """
    if not layout.covers(0, DOC_TYPE_WITHIN):
        raise IncompleteUploadError(detail="a hole at the beginning")
    lay_out(upload, layout, target)
    if layout.covers(0, layout.size):
        return open_source(target, max_pixels=max_pixels, control=control)
    container = sniff(target)
    describe = {"mov": boxes.require_boxes, "matroska": elements.require_elements}.get(container)
    if describe is None:
        raise IncompleteUploadError(detail=f"a {container} is decoded from its beginning")
    with target.open("rb") as file:
        described = describe(file, layout)
    brief = copy.copy(control)
    brief.deadline = min(control.deadline, time.monotonic() + LISTING_S)
    try:
        check = _Check(target, layout, container=container, max_pixels=max_pixels, control=brief)
        file_start_s = check.require_probed(described)
        source = open_source(target, max_pixels=max_pixels, control=brief)
        check.require_shown(
            described, source.probe, start_s=start_s, seconds=seconds, file_start_s=file_start_s
        )
    except ConversionTimeoutError:
        control.check()
        raise IncompleteUploadError(detail="ffmpeg searched for too long") from None
    return source


class _Check:
    """Compare the packets that ffmpeg reads from a file with the ranges that were sent."""

    def __init__(
        self,
        path: Path,
        layout: Layout,
        *,
        container: Container,
        max_pixels: int,
        control: Control,
    ) -> None:
        self._path = path
        self._layout = layout
        self._container = container
        self._max_pixels = max_pixels
        self._control = control

    def require_probed(self, described: elements.Segment | None) -> float:
        """Check the packets that ffmpeg reads to detect the streams; return the start time in s.

        ffmpeg reads the same packets before each decode. It reports only their total number, so
        that many packets of each stream are required, or PROBE_BYTES if that is less. Raises
        IncompleteUploadError.
        """
        arguments = self._copy_arguments("-map", "0", "-map", "-0:t?")
        with ffmpeg(["-v", "debug", *arguments], control=self._control) as child:
            packets = _packets(child.stdout)
            first = next(packets, None)
            report = child.errors(most_bytes=1 << 20)
            said, begins = _PROBED.search(report), _START.search(report)
            if first is None or said is None:
                self._control.check()
                raise IncompleteUploadError(detail=report[-2000:])
            read: dict[int, list[int]] = {}  # stream: [packets, bytes]
            last = 0
            for packet in _chain(first, packets):
                count = read.setdefault(packet.stream, [0, 0])
                if count[0] >= int(said[1]) or count[1] > PROBE_BYTES:
                    if all(n >= int(said[1]) or size > PROBE_BYTES for n, size in read.values()):
                        break
                    continue
                count[0] += 1
                count[1] += packet.size
                self._require(packet)
                last = max(last, _end_of(packet))
        if described is not None:
            self._require_bytes(described.first_cluster, last)
        return float(begins[1]) if begins else 0.0

    def require_shown(
        self,
        described: elements.Segment | None,
        about: Probe,
        *,
        start_s: float,
        seconds: float,
        file_start_s: float,
    ) -> None:
        """Check the packets that ffmpeg decodes. Raises IncompleteUploadError.

        They reach from a key frame to the first picture after the selection, and include packets
        that come later in the file but are shown earlier.
        """
        seek = seek_arguments(about, start_s)
        end_s = seconds + MARGIN_S + (0 if seek else start_s)
        arguments = self._copy_arguments("-map", f"0:{about.stream}", seek=seek)
        first, last, after_s = self._layout.size, 0, float("inf")
        with ffmpeg(["-v", "error", *arguments], control=self._control) as child:
            for packet in _packets(child.stdout):
                if packet.decoded_s > after_s:
                    break
                if packet.shown_s <= after_s:
                    self._require(packet)
                    first = min(first, _start_of(packet))
                    last = max(last, _end_of(packet))
                if packet.shown_s > end_s:
                    after_s = min(after_s, packet.shown_s)
            else:
                self._control.check()
                last = self._layout.size if described is not None else last
        if described is not None:
            cluster, until = described.seek_range(start_s + file_start_s if seek else None)
            self._require_bytes(min(cluster, first), max(last, until))

    def _copy_arguments(self, *maps: str, seek: list[str] | None = None) -> list[str]:
        return [
            *(seek or []),
            *input_arguments(
                self._path, container=self._container, max_pixels=self._max_pixels, threads=1
            ),
            *maps,
            *("-map_metadata", "-1", "-map_chapters", "-1"),
            *("-c", "copy", "-copyinkf", "-copy_unknown", "-bsf", COLUMNS),
            *("-f", "framecrc", "pipe:1"),
        ]

    def _require(self, packet: Packet) -> None:
        # Parsers that split audio into other packets lose the position. Pictures don't need audio.
        if packet.position is None:
            if packet.is_video:
                raise IncompleteUploadError(detail="a video packet without a position")
            return
        self._require_bytes(packet.position, packet.position + packet.size)

    def _require_bytes(self, start: int, end: int) -> None:
        if not self._layout.covers(start, end):
            raise IncompleteUploadError(detail=f"a hole in {start}-{end}")


def _start_of(packet: Packet) -> int:
    return 0 if packet.position is None else packet.position


def _end_of(packet: Packet) -> int:
    return 0 if packet.position is None else packet.position + packet.size


def _chain(first: Packet, rest: Iterator[Packet]) -> Iterator[Packet]:
    yield first
    yield from rest


def _packets(stream: Iterator[bytes]) -> Iterator[Packet]:
    """Parse framecrc's lines. Raises IncompleteUploadError for more than MAX_PACKETS of them.

    The format is described at https://ffmpeg.org/ffmpeg-formats.html#framecrc.
    """
    clocks: dict[int, float] = {}
    videos: set[int] = set()
    for number, line in enumerate(stream):
        if number > MAX_PACKETS:
            raise IncompleteUploadError(detail="too many packets")
        text = line.decode("ascii", "replace")
        if text.startswith("#"):
            name, _, value = text[1:].partition(":")
            kind, _, index = name.partition(" ")
            if kind == "tb":
                above, _, below = value.partition("/")
                clocks[int(index)] = int(above) / int(below)
            elif kind == "media_type" and value.strip() == "video":
                videos.add(int(index))
            continue
        stream_index, dts, position, shown, size = (int(n) for n in text.split(",")[:5])
        clock = clocks[stream_index]
        at = position - OFFSET
        yield Packet(
            stream=stream_index,
            is_video=stream_index in videos,
            position=at if at >= 0 else None,
            size=size,
            decoded_s=dts * clock,
            shown_s=(shown - OFFSET) * clock,
        )
