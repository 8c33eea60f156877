"""Files cut short or wiped: what can be decoded is converted, the rest refused."""

from collections.abc import Callable

from tests.hostile import gifs
from tests.hostile.boxes import find
from tests.hostile.kitchen import (
    NO_VIDEO,
    PAST_END,
    TOO_SHORT,
    UNREADABLE,
    Case,
    Kitchen,
    converts,
    either,
    refused,
)

BROKEN = (UNREADABLE, TOO_SHORT)
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k", "-g", "12")


def tail_moov(kitchen: Kitchen) -> bytes:
    return kitchen.clip(seconds=2, codec=("-c:v", "libx264", "-preset", "ultrafast", "-g", "12"))


def head_moov(kitchen: Kitchen) -> bytes:
    return kitchen.remux(tail_moov(kitchen), "mp4", "-c", "copy", "-movflags", "+faststart")


def fragments(kitchen: Kitchen) -> bytes:
    flags = ("-movflags", "+frag_keyframe+empty_moov")
    return kitchen.remux(tail_moov(kitchen), "mp4", "-c", "copy", *flags)


def webm(kitchen: Kitchen) -> bytes:
    return kitchen.clip("webm", seconds=2, codec=VP8)


def gif(kitchen: Kitchen) -> bytes:
    return gifs.animation(20)


def cut(make: Callable[[Kitchen], bytes], share: float) -> Callable[[Kitchen], bytes]:
    """The first `share` of the file."""
    return lambda kitchen: make(kitchen)[: int(len(make(kitchen)) * share)]


def cut_media(make: Callable[[Kitchen], bytes], share: float) -> Callable[[Kitchen], bytes]:
    """The file up to `share` of its mdat."""

    def cook(kitchen: Kitchen) -> bytes:
        start, end = find(make(kitchen), b"mdat")
        return make(kitchen)[: start + int((end - start) * share)]

    return cook


def wiped(make: Callable[[Kitchen], bytes], share: float) -> Callable[[Kitchen], bytes]:
    """The file with zeros from `share` of its mdat to its end."""

    def cook(kitchen: Kitchen) -> bytes:
        data = make(kitchen)
        start, end = find(data, b"mdat")
        start += int((end - start) * share)
        return data[:start] + bytes(end - start) + data[end:]

    return cook


def first_bytes(make: Callable[[Kitchen], bytes], count: int) -> Callable[[Kitchen], bytes]:
    return lambda kitchen: make(kitchen)[:count]


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
    Case("gif-no-trailer", lambda kitchen: gif(kitchen)[:-1], converts(48), "a.gif"),
]
CASES = [*MP4, *WEBM, *GIF]
