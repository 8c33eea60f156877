"""Files of two types at once: the video converts, and the other content isn't delivered."""

import io
import zipfile
from collections.abc import Callable

from tests.support import ebml, gifs
from tests.support.boxes import box, ftyp
from tests.support.clips import (
    LOOP_FRAMES,
    TOO_MANY_PIXELS,
    TOO_SHORT,
    UNREADABLE,
    Case,
    ClipMaker,
    converts,
    either,
    refused,
)

SCRIPT = b"<script>alert(document.cookie)</script><?php system($_GET['c']); ?>"
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")


def archive() -> bytes:
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as files:
            files.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF"), SCRIPT)
        return buffer.getvalue()


def gif_with(extra: bytes, tail: bytes = b"") -> Callable[[ClipMaker], bytes]:
    whole = gifs.animation(5)
    head = len(gifs.screen(32, 32))
    return lambda clip_maker: whole[:head] + extra + whole[head:] + tail


def gif_script(clip_maker: ClipMaker) -> bytes:
    """A GIF that is also a script (GIF89a=0;/ ...): its characters give a canvas of 12349x12091."""
    return b"GIF89a=0;/" + gifs.animation(5)[10:-1] + b"*/;alert(document.domain)//;"


def mp4_with(tail: bytes) -> Callable[[ClipMaker], bytes]:
    return lambda clip_maker: clip_maker.clip() + tail


def mp4_page(clip_maker: ClipMaker) -> bytes:
    """A web page in a `free` box after ftyp; padding keeps the offsets valid."""
    data = clip_maker.clip()
    return ftyp() + box(b"free", SCRIPT) + box(b"mdat") + data


def webm_void(clip_maker: ClipMaker) -> bytes:
    packets = ebml.packets(clip_maker.clip("ivf", codec=VP8))
    blocks = [ebml.block(p, n * 42, key=n == 0) for n, p in enumerate(packets)]
    tracks = ebml.element(ebml.TRACKS, ebml.video_track())
    void = ebml.element("EC", SCRIPT * 100)
    return (
        ebml.header()
        + void
        + ebml.element(ebml.SEGMENT, void, ebml.info(), tracks, ebml.cluster(0, blocks))
    )


def webm_attachment(clip_maker: ClipMaker) -> bytes:
    """An attachment with a web page, named like a path."""
    file = element_file(b"../../../../tmp/owned.html", SCRIPT)
    data = clip_maker.clip("webm", codec=VP8)
    at = data.index(bytes.fromhex(ebml.TRACKS))
    segment = data.index(bytes.fromhex(ebml.SEGMENT))
    return (
        data[: segment + 4]
        + ebml.UNKNOWN
        + data[at:][: data[at:].index(bytes.fromhex(ebml.CLUSTER))]
        + file
        + data[data.index(bytes.fromhex(ebml.CLUSTER)) :]
    )


def element_file(name: bytes, data: bytes) -> bytes:
    parts = (
        ebml.text("466E", name),
        ebml.text("4660", b"text/html"),
        ebml.text("465C", data),
        ebml.uint("46AE", 7),
    )
    return ebml.element("1941A469", ebml.element("61A7", *parts))


CASES = [
    Case(
        "gif-comment-script", gif_with(gifs.comment(SCRIPT)), converts(12, corners="RGBY"), "a.gif"
    ),
    Case("gif-zip-behind", gif_with(b"", archive()), converts((12, 14), corners="RGBY"), "a.gif"),
    Case("gif-page-behind", gif_with(b"", SCRIPT), converts((11, 14), corners="RGBY"), "a.gif"),
    Case(
        "gif-mp4-behind",
        lambda clip_maker: gif_with(b"", clip_maker.clip())(clip_maker),
        either(UNREADABLE, frames=(11, LOOP_FRAMES)),
        "a.gif",
    ),
    Case(
        "gif-odd-extensions",
        gif_with(b"\x21\x01\x0c" + bytes(12) + b"\0" + b"\x21\x99\x03abc\0"),
        converts((11, 16)),
        "a.gif",
    ),
    # ffmpeg 9.0.2 stops at an empty comment before the first image
    Case("gif-empty-comment", gif_with(gifs.comment(b"")), either(TOO_SHORT), "a.gif"),
    Case("gif-is-script", gif_script, refused(TOO_MANY_PIXELS, UNREADABLE, TOO_SHORT), "a.gif"),
    Case("mp4-zip-behind", mp4_with(archive()), converts(12, corners="RGBY")),
    Case("mp4-page-behind", mp4_with(SCRIPT), converts(12, corners="RGBY")),
    Case(
        "mp4-playlist-behind",
        mp4_with(b"\n#EXTM3U\n#EXTINF:10,\n/etc/passwd\n"),
        converts(12, corners="RGBY"),
    ),
    Case("mp4-page-in-free", mp4_page, either(UNREADABLE, frames=(2, 25))),
    Case("mp4-exe-behind", mp4_with(b"MZ\x90\0" + bytes(4000)), converts(12, corners="RGBY")),
    Case("mp4-twice", lambda clip_maker: clip_maker.clip() * 2, converts((11, 25))),
    Case("webm-page-in-void", webm_void, converts(12, corners="RGBY"), "a.webm"),
    Case("webm-attachment", webm_attachment, converts(12, corners="RGBY"), "a.webm"),
    Case(
        "webm-mp4-behind",
        lambda clip_maker: clip_maker.clip("webm", codec=VP8) + clip_maker.clip(),
        converts((11, 14)),
        "a.webm",
    ),
]
