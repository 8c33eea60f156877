"""Read a file's properties with ffmpeg. They are hints, because every field may be false."""

import re
from dataclasses import dataclass
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.errors import (
    NoVideoError,
    ProtectedVideoError,
    TooManyPixelsError,
    UnreadableVideoError,
    UnsupportedCodecError,
)
from converter.pipeline.ffmpeg import ffmpeg
from converter.pipeline.source.colour import Colour, read
from converter.pipeline.source.protection import is_protected
from converter.pipeline.source.sniff import Container

# Codecs and formats of the allowed containers. Without these lists ffmpeg plays an AVI renamed to
# .mp4, and opens files that a playlist names.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif"
VIDEO_CODECS = (
    *("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "prores", "mjpeg", "gif"),
    # Codecs that cameras and editors write into MOV.
    *("mpeg2video", "dvvideo", "dnxhd", "cfhd", "qtrle", "png"),
)
CODECS = ",".join(
    (
        *VIDEO_CODECS,
        *("libvpx", "libvpx-vp9", "libdav1d"),
        # Audio is never decoded, but without its decoders the probe reports valid files as broken.
        *("aac", "mp3", "mp3float", "opus", "libopus", "vorbis"),
    )
)
# Names for users of codecs that are refused; for others ffmpeg's name is shown.
CODEC_NAMES = {
    "apv": "APV",
    "ffv1": "FFV1",
    "h263": "H.263",
    "hap": "HAP",
    "jpeg2000": "JPEG 2000",
    "mpeg1video": "MPEG-1",
    "msmpeg4v3": "MS MPEG-4",
    "prores_raw": "ProRes RAW",
    "rawvideo": "uncompressed video",
    "svq1": "Sorenson Video",
    "svq3": "Sorenson Video 3",
    "theora": "Theora",
    "v210": "uncompressed 10-bit video",
    "vvc": "H.266 (VVC)",
}
DOLBY_VISION = "Dolby Vision without an HDR10, HLG or SDR picture (such as profile 5)"
ALLOC_BYTES = 536_870_912
PROBE_BYTES = 10_000_000
MAX_STREAMS = 64

STRIP = 4

# Patterns for lines of ffmpeg. Metadata lines have a deeper indentation, so that a title such as
# "Duration: 99:00:00" doesn't match. ffmpeg 9 indents the streams of a group (video with its time
# code) by two more spaces.
_DURATION = re.compile(r"^ {2}Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_STREAM = re.compile(
    r"^ {2}(?: {2})?Stream #0:(?P<index>\d+)\S*: Video: (?P<about>.*)$", re.MULTILINE
)
_ATTACHED, _DEFAULT = "(attached pic)", "(default)"
_SIZE = re.compile(r", (\d+)x(\d+)(?:[ ,]|$)")
_SHAPE = re.compile(r"DAR (\d+):(\d+)")
_PIXELS = re.compile(r", (?P<format>[a-z][a-z0-9]+)(?:\((?P<colour>[^)]*)\))?, \d+x\d+")
_ROTATION = re.compile(
    r"^ +(?:Display Matrix|displaymatrix): rotation of (-?\d+\.\d+) degrees", re.MULTILINE
)
_FIELDS = re.compile(r"\b(?:top|bottom) (?:coded )?first\b")
_TAG = re.compile(r"\((\S{1,4}) */ 0x[0-9A-F]{8}\)")
# px; smaller pictures are not deinterlaced, because the filter refuses the smallest ones.
LEAST_INTERLACED = 16
# Degrees; a rotation that differs more from a multiple of 90 is ignored, as in browsers.
NEAR_A_QUARTER = 10.0
# With compatibility id 0 the base layer is not in a format that other decoders can show.
_DOLBY_VISION = re.compile(r"^ +DOVI configuration record:.*\bcompatibility id: 0\b", re.MULTILINE)
# In upper case after a stream copy by ffmpeg.
_ALPHA_MODE = re.compile(r"^ +(?:alpha_mode|ALPHA_MODE) +: 1$", re.MULTILINE)
_NEXT_STREAM = re.compile(r"\n {2,4}Stream ")
# Above -max_pixels, or above ffmpeg's own limit. The line starts with the decoder's name, unlike
# metadata.
_TOO_LARGE = re.compile(
    r"^\[.*Picture size (?:\d+x\d+ exceeds|[1-9]\d{3,}x[1-9]\d{3,} is invalid)", re.MULTILINE
)
_ALPHA_FORMATS = re.compile(r"^(yuva|rgba|bgra|argb|abgr|gbrap|ya\d|pal8)")


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One video stream: its index, duration in s (None: unknown), coded size in pixels, and how to
    decode it. A strip is much longer than it is wide, so that scaling it to cover a frame would
    take many times its pixels.
    """

    container: Container
    stream: int
    pixels: int
    codec: str
    pixel_format: str
    matrix: str
    primaries: str
    transfer: str
    duration_s: float | None
    is_turned: bool
    is_strip: bool
    has_alpha: bool
    range: str = ""
    # Degrees clockwise, 0 to 360, by which a player rotates the picture.
    turn: float = 0.0
    is_interlaced: bool = False

    @property
    def colour(self) -> Colour:
        """Return the colour tags to decode the frames with."""
        return Colour(
            pixel_format=self.pixel_format,
            range=self.range,
            matrix=self.matrix,
            primaries=self.primaries,
            curve=self.transfer,
        )

    @property
    def quarters(self) -> int:
        """Return the number of clockwise quarter turns that the picture needs, 0 to 3."""
        nearest = round(self.turn / 90)
        return nearest % 4 if abs(self.turn - 90 * nearest) <= NEAR_A_QUARTER else 0

    @property
    def is_turned_by_ffmpeg(self) -> bool:
        """Return whether to let ffmpeg rotate the picture itself, which includes mirroring.

        It must not rotate by angles other than multiples of 90 degrees, or before deinterlacing.
        """
        return not self.is_interlaced and abs(self.turn - 90 * round(self.turn / 90)) <= 1

    @property
    def can_seek(self) -> bool:
        """Return whether seeking to a key frame is safe; otherwise decode from the beginning.

        A GIF's frames depend on all earlier ones, but its demuxer marks each as a key frame. Old
        versions of x264 wrote invalid H.264 4:4:4; ffmpeg corrects it only if it has read x264's
        version, which is in the first packet (x264_build in ffmpeg's h264_cabac.c).
        """
        return self.container != "gif" and not (
            self.codec == "h264" and self.pixel_format.startswith("yuv444")
        )

    @property
    def is_hdr(self) -> bool:
        """Return whether the picture has to be tone-mapped."""
        return self.colour.is_hdr


def input_arguments(
    path: Path, *, container: Container, max_pixels: int, threads: int = 2
) -> list[str]:
    """Return ffmpeg's options for reading an upload: whitelists, limits and the file."""
    return [
        *("-max_alloc", str(ALLOC_BYTES)),
        *("-protocol_whitelist", "file"),
        *("-format_whitelist", FORMATS),
        *("-codec_whitelist", CODECS),
        *("-max_streams", str(MAX_STREAMS)),
        *("-probesize", str(PROBE_BYTES)),
        *("-analyzeduration", str(PROBE_BYTES)),
        *("-max_pixels", str(max_pixels)),
        *("-threads", str(threads)),
        *("-f", container),
        *(("-ignore_loop", "1") if container == "gif" else ()),
        *("-i", f"file:{path.absolute()}"),
    ]


def is_too_large(report: str) -> bool:
    """Return whether ffmpeg reports that a picture has too many pixels.

    >>> is_too_large("[gif @ 0x5] [IMGUTILS @ 0x7] Picture size 65535x65535 is invalid")
    True
    >>> is_too_large("    title : Picture size 65535x65535 is invalid")
    False
    """
    return bool(_TOO_LARGE.search(report))


def parse(report: str, *, container: Container) -> Probe:
    """Parse ffmpeg's `-i` report on the video stream that a player shows.

    That is the first one marked as default, otherwise the first; cover art and, if there are
    others, streams that can't be decoded are ignored. Raises UnreadableVideoError,
    UnsupportedCodecError, NoVideoError, TooManyPixelsError.
    """
    if is_too_large(report):
        raise TooManyPixelsError(detail=report)
    if "Input #0" not in report:
        raise UnreadableVideoError(detail=report)
    streams = [m for m in _STREAM.finditer(report) if _ATTACHED not in m["about"]]
    if not streams:
        raise NoVideoError(detail=report)
    readable = [m for m in streams if _codec(m["about"]) in VIDEO_CODECS]
    if not readable:
        raise UnsupportedCodecError(_codec_name(streams[0]["about"]), detail=report)
    shown = next((m for m in readable if _DEFAULT in m["about"]), readable[0])
    about = shown["about"]
    own = _NEXT_STREAM.split(report[shown.end() :], maxsplit=1)[0]
    if _DOLBY_VISION.search(own):
        raise UnsupportedCodecError(DOLBY_VISION, detail=report)
    size = _SIZE.search(about)
    if not size:
        raise UnreadableVideoError(detail=report)
    pixels = _PIXELS.search(about)
    pixel_format = pixels["format"] if pixels else ""
    words = (pixels["colour"] or "").split(", ") if pixels else []
    matrix, primaries, curve = _colour(words)
    tagged = Colour(
        pixel_format=pixel_format,
        range=next((word for word in words if word in ("tv", "pc")), ""),
        matrix=matrix,
        primaries=primaries,
        curve=curve,
    )
    colour = read(tagged)
    width, height = int(size[1]), int(size[2])
    duration = _DURATION.search(report)
    rotation = _ROTATION.search(own)
    return Probe(
        container=container,
        stream=int(shown["index"]),
        pixels=width * height,
        codec=_codec(about),
        pixel_format=pixel_format,
        range=colour.range,
        matrix=colour.matrix,
        primaries=colour.primaries,
        transfer=colour.curve,
        duration_s=_seconds(duration) if duration else None,
        is_turned=bool(rotation),
        turn=-float(rotation[1]) % 360 if rotation else 0.0,
        is_interlaced=bool(_FIELDS.search(about)) and min(width, height) >= LEAST_INTERLACED,
        is_strip=_is_strip((width, height), *((int(a), int(b)) for a, b in _SHAPE.findall(about))),
        has_alpha=bool(_ALPHA_FORMATS.match(pixel_format) or _ALPHA_MODE.search(own)),
    )


def _codec(about: str) -> str:
    """Return ffmpeg's name of the codec."""
    return about.split(" ", 1)[0].strip(",")


def _codec_name(about: str) -> str:
    """Return the codec's name for users.

    >>> _codec_name("v210 (v210 / 0x30313276), none, 320x180")
    'uncompressed 10-bit video'
    >>> _codec_name("none (zzz1 / 0x317A7A7A), none, 320x180")
    'the codec “zzz1”'
    """
    codec = _codec(about)
    if codec in CODEC_NAMES:
        return CODEC_NAMES[codec]
    tag = _TAG.search(about)
    known = codec if codec not in ("none", "unknown") else tag[1] if tag else "unknown"
    return f"the codec “{known}”" if known.isprintable() else "an unknown codec"


# Words in the parentheses after a pixel format that are no colour tags.
_NO_COLOUR = re.compile(
    r"^(tv|pc|progressive|(top|bottom) (coded )?first.*|left|center|top|topleft|bottom|bottomleft"
    r"|\d+ bpc|)$"
)


def _colour(words: list[str]) -> tuple[str, str, str]:
    """Return matrix, primaries and curve by ffmpeg's names; "" for a missing tag.

    >>> _colour(["tv", "bt2020nc/bt2020/arib-std-b67", "progressive"])
    ('bt2020nc', 'bt2020', 'arib-std-b67')
    >>> _colour(["tv", "bt709"]), _colour(["progressive"])
    (('bt709', 'bt709', 'bt709'), ('', '', ''))
    """
    for word in words:
        if word.count("/") == 2:
            matrix, primaries, curve = (
                "" if part in ("unknown", "reserved") else part for part in word.split("/")
            )
            return matrix, primaries, curve
        if not _NO_COLOUR.match(word):
            return word, word, word
    return "", "", ""


def _is_strip(*shapes: tuple[int, int]) -> bool:
    """Return whether one of the shapes (width, height) is longer than STRIP:1."""
    return any(max(a, b) > STRIP * min(a, b) for a, b in shapes)


def _seconds(match: re.Match[str]) -> float:
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])


def probe(path: Path, *, container: Container, max_pixels: int, control: Control) -> Probe:
    """Probe the file without decoding it. Raises InputError and the exceptions of `control`."""
    if is_protected(path, container=container):
        raise ProtectedVideoError
    arguments = input_arguments(path, container=container, max_pixels=max_pixels)
    with ffmpeg(["-v", "info", *arguments], control=control) as child:
        child.wait()
        control.check()
        child.check()
        return parse(child.errors(), container=container)
