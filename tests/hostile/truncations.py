"""Truncated and zeroed files: what can be decoded is converted, the rest is refused."""

from collections.abc import Callable

from tests.support import gifs
from tests.support.boxes import find
from tests.support.clips import (
    NO_VIDEO,
    PAST_END,
    TOO_SHORT,
    UNREADABLE,
    Case,
    ClipMaker,
    converts,
    either,
    refused,
)

BROKEN = (UNREADABLE, TOO_SHORT)
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k", "-g", "12")


def tail_moov(clip_maker: ClipMaker) -> bytes:
    return clip_maker.clip(seconds=2, codec=("-c:v", "libx264", "-preset", "ultrafast", "-g", "12"))


def head_moov(clip_maker: ClipMaker) -> bytes:
    return clip_maker.remux(tail_moov(clip_maker), "mp4", "-c", "copy", "-movflags", "+faststart")


def fragments(clip_maker: ClipMaker) -> bytes:
    flags = ("-movflags", "+frag_keyframe+empty_moov")
    return clip_maker.remux(tail_moov(clip_maker), "mp4", "-c", "copy", *flags)


def webm(clip_maker: ClipMaker) -> bytes:
    return clip_maker.clip("webm", seconds=2, codec=VP8)


def gif(clip_maker: ClipMaker) -> bytes:
    return gifs.animation(20)


def cut(make: Callable[[ClipMaker], bytes], share: float) -> Callable[[ClipMaker], bytes]:
    """Return the first `share` of the file."""
    return lambda clip_maker: make(clip_maker)[: int(len(make(clip_maker)) * share)]


def cut_media(make: Callable[[ClipMaker], bytes], share: float) -> Callable[[ClipMaker], bytes]:
    """Return the file up to `share` of its mdat."""

    def cook(clip_maker: ClipMaker) -> bytes:
        start, end = find(make(clip_maker), b"mdat")
        return make(clip_maker)[: start + int((end - start) * share)]

    return cook


def wiped(make: Callable[[ClipMaker], bytes], share: float) -> Callable[[ClipMaker], bytes]:
    """Return the file with zeros from `share` of its mdat to its end."""

    def cook(clip_maker: ClipMaker) -> bytes:
        data = make(clip_maker)
        start, end = find(data, b"mdat")
        start += int((end - start) * share)
        return data[:start] + bytes(end - start) + data[end:]

    return cook


def first_bytes(make: Callable[[ClipMaker], bytes], count: int) -> Callable[[ClipMaker], bytes]:
    return lambda clip_maker: make(clip_maker)[:count]


MP4 = [
    *(
        Case(f"mp4-tail-moov-cut-{share:.2f}", cut(tail_moov, share), refused(UNREADABLE, NO_VIDEO))
        for share in (0.1, 0.5, 0.9, 0.99)
    ),
    Case("mp4-no-mdat", cut_media(head_moov, 0), refused(UNREADABLE, TOO_SHORT)),
    Case("mp4-mdat-10", cut_media(head_moov, 0.1), either(UNREADABLE, TOO_SHORT, frames=(2, 12))),
    Case("mp4-mdat-50", cut_media(head_moov, 0.5), converts((12, 36))),
    Case(
        "mp4-start-behind-the-cut",
        cut_media(head_moov, 0.5),
        refused(UNREADABLE, TOO_SHORT, PAST_END),
        start_time="00:00:01.800",
    ),
    Case("mp4-moov-cut", first_bytes(head_moov, 400), refused(UNREADABLE, NO_VIDEO)),
    Case("mp4-wiped-0", wiped(head_moov, 0), refused(UNREADABLE, TOO_SHORT)),
    Case("mp4-wiped-10", wiped(head_moov, 0.1), either(UNREADABLE, TOO_SHORT)),
    Case("mp4-wiped-50", wiped(head_moov, 0.5), converts((6, 49))),
    Case("mp4-fragments-half", cut(fragments, 0.5), converts((8, 36))),
    Case(
        "mp4-fragments-no-media",
        first_bytes(fragments, 700),
        refused(UNREADABLE, TOO_SHORT, NO_VIDEO),
    ),
    Case("mov-no-moov", cut(tail_moov, 0.5), refused(UNREADABLE, NO_VIDEO), "clip.mov"),
]
WEBM = [
    Case(
        "webm-head-only", first_bytes(webm, 200), refused(UNREADABLE, NO_VIDEO, TOO_SHORT), "a.webm"
    ),
    Case("webm-tenth", cut(webm, 0.1), either(UNREADABLE, TOO_SHORT, frames=(2, 24)), "a.webm"),
    Case("webm-half", cut(webm, 0.5), converts((6, 36)), "a.webm"),
    Case("webm-nearly", cut(webm, 0.97), converts((30, 48)), "a.webm"),
]
GIF = [
    *(
        Case(f"gif-head-{count}", first_bytes(gif, count), refused(UNREADABLE, TOO_SHORT), "a.gif")
        for count in (7, 10, 13, 300, 420)
    ),
    Case("gif-first-image-cut", first_bytes(gif, 1000), either(*BROKEN, frames=(2, 3)), "a.gif"),
    Case("gif-half", cut(gif, 0.5), converts((18, 27)), "a.gif"),
    Case("gif-no-trailer", lambda clip_maker: gif(clip_maker)[:-1], converts(48), "a.gif"),
]
CASES = [*MP4, *WEBM, *GIF]
