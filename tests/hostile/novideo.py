"""Valid files of allowed containers without a video: no video stream, or only a cover picture."""

from collections.abc import Callable

from tests.support import boxes, ebml
from tests.support.boxes import Track, box, movie
from tests.support.clips import NO_VIDEO, UNREADABLE, Case, ClipMaker, either, refused

BEEP = ("-f", "lavfi", "-i", "sine=duration=1")
ART = ("-f", "lavfi", "-i", "color=c=red:s=64x64:d=0.04")


def sound(suffix: str, *options: str) -> Callable[[ClipMaker], bytes]:
    return lambda clip_maker: clip_maker.ffmpeg(*BEEP, *options, suffix=suffix)


def cover(suffix: str, codec: str) -> Callable[[ClipMaker], bytes]:
    how = ("-map", "0", "-map", "1", "-c:v", codec, "-disposition:v:0", "attached_pic")
    return lambda clip_maker: clip_maker.ffmpeg(*BEEP, *ART, *how, suffix=suffix)


def subtitles(clip_maker: ClipMaker) -> bytes:
    lines = b"1\n00:00:00,000 --> 00:00:02,000\nHello\n"
    return clip_maker.ffmpeg("-f", "srt", "-i", "-", "-c:s", "mov_text", suffix="mp4", stdin=lines)


def not_a_picture(handler: bytes) -> Callable[[ClipMaker], bytes]:
    """Return H.264 samples in a track of another type."""

    def cook(clip_maker: ClipMaker) -> bytes:
        entry, samples = boxes.samples(clip_maker.clip())
        return movie(Track(entry, samples, [42] * len(samples), handler=handler))

    return cook


EMPTY = refused(NO_VIDEO, UNREADABLE)
CASES = [
    Case("m4a", sound("m4a"), refused(NO_VIDEO)),
    Case("sound-mov", sound("mov", "-c:a", "pcm_s16le"), refused(NO_VIDEO), "a.mov"),
    Case("sound-webm", sound("webm", "-c:a", "libopus"), refused(NO_VIDEO), "a.webm"),
    Case("sound-mkv", sound("mka", "-c:a", "flac"), refused(NO_VIDEO), "a.webm"),
    Case("cover-art-only-mp4", cover("mp4", "mjpeg"), refused(NO_VIDEO)),
    Case("cover-art-only-png", cover("mp4", "png"), refused(NO_VIDEO, UNREADABLE)),
    Case("subtitles-only", subtitles, refused(NO_VIDEO)),
    Case("data-track-only", not_a_picture(b"meta"), either(NO_VIDEO, UNREADABLE)),
    Case("sound-track-of-h264", not_a_picture(b"soun"), EMPTY),
    Case("no-tracks", lambda clip_maker: movie(), EMPTY),
    Case("empty-moov", lambda clip_maker: boxes.ftyp() + box(b"moov"), EMPTY),
    Case(
        "webm-no-tracks",
        lambda clip_maker: ebml.header() + ebml.endless(ebml.SEGMENT, ebml.info()),
        EMPTY,
        "a.webm",
    ),
]
