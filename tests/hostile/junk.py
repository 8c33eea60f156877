"""Files of other types, with their own and with allowed extensions."""

import io
import struct
import zipfile
from collections.abc import Callable

from PIL import Image

from tests.support.clips import NO_FILE, UNREADABLE, UNSUPPORTED, Case, ClipMaker, refused

SRT = b"1\n00:00:00,000 --> 00:00:02,000\nHello\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def zipped(clip_maker: ClipMaker) -> bytes:
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo("clip.mp4"), clip_maker.clip())
        return buffer.getvalue()


def still(form: str) -> bytes:
    with io.BytesIO() as buffer:
        Image.new("RGB", (32, 32), (200, 30, 30)).save(buffer, form)
        return buffer.getvalue()


def sound(suffix: str, *options: str) -> Callable[[ClipMaker], bytes]:
    source = ("-f", "lavfi", "-i", "sine=duration=1")
    return lambda clip_maker: clip_maker.ffmpeg(*source, *options, suffix=suffix)


def film(suffix: str, *codec: str) -> Callable[[ClipMaker], bytes]:
    return lambda clip_maker: clip_maker.clip(suffix, codec=codec)


def text(value: bytes) -> Callable[[ClipMaker], bytes]:
    return lambda clip_maker: value


KINDS: dict[str, Callable[[ClipMaker], bytes]] = {
    "txt": text(b"Not a video at all.\n" * 40),
    "exe": text(b"MZ\x90\0" + bytes(60) + struct.pack("<I", 64) + b"PE\0\0" + bytes(400)),
    "zip": zipped,
    "html": text(b"<!doctype html><script>fetch('/admin/')</script>"),
    "svg": text(SVG),
    "jpg": lambda clip_maker: still("JPEG"),
    "png": lambda clip_maker: still("PNG"),
    "webp": lambda clip_maker: still("WEBP"),
    "mp3": sound("mp3"),
    "wav": sound("wav"),
    "ogg": sound("ogg", "-c:a", "libvorbis"),
    "srt": text(SRT),
    "vtt": text(b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello\n"),
    "avi": film("avi", "-c:v", "mpeg4"),
    "flv": film("flv", "-c:v", "flv1"),
    "ts": film("ts", "-c:v", "mpeg2video"),
    "mpg": film("mpg", "-c:v", "mpeg1video"),
    "y4m": film("y4m", "-pix_fmt", "yuv420p"),
    "asx": text(b'<asx version="3.0"><entry><ref href="http://127.0.0.1/x.mp4"/></entry></asx>'),
    "pls": text(b"[playlist]\nFile1=http://127.0.0.1/x.mp4\nNumberOfEntries=1\n"),
    "pdf": text(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"),
    "sh": text(b"#!/bin/sh\ntouch /tmp/owned\n"),
    "elf": text(b"\x7fELF\x02\x01\x01" + bytes(200)),
    "pickle": text(b"\x80\x04cos\nsystem\n(S'touch /tmp/owned'\ntR."),
}
DISGUISES = ("mp4", "mov", "webm", "gif")

BY_NAME = [
    Case(f"own-name-{kind}", make, refused(UNSUPPORTED), f"clip.{kind}")
    for kind, make in KINDS.items()
]
BY_CONTENT = [
    Case(f"renamed-{kind}", make, refused(UNSUPPORTED), f"clip.{DISGUISES[n % 4]}")
    for n, (kind, make) in enumerate(KINDS.items())
]
NOTHING = [
    Case("empty", text(b""), refused(UNSUPPORTED, NO_FILE)),
    Case("one-byte", text(b"G"), refused(UNSUPPORTED), "clip.gif"),
    Case("zeros", text(bytes(4096)), refused(UNSUPPORTED)),
    Case(
        "noise", lambda clip_maker: clip_maker.rng("noise").randbytes(65536), refused(UNSUPPORTED)
    ),
    Case("only-a-name-gif", text(b"GIF89a"), refused(UNREADABLE, UNSUPPORTED), "clip.gif"),
    Case("only-a-name-mp4", text(b"\0\0\0\x08ftyp"), refused(UNREADABLE, UNSUPPORTED)),
    Case("only-a-name-webm", text(b"\x1a\x45\xdf\xa3webm"), refused(UNREADABLE), "clip.webm"),
    Case("gif-of-another-age", text(b"GIF90a" + bytes(64)), refused(UNSUPPORTED), "clip.gif"),
    Case(
        "noise-after-ftyp",
        lambda clip_maker: b"\0\0\0\x18ftypisom" + clip_maker.rng("ftyp").randbytes(65536),
        refused(UNREADABLE),
    ),
    Case(
        "noise-after-ebml",
        lambda clip_maker: b"\x1a\x45\xdf\xa3webm" + clip_maker.rng("ebml").randbytes(65536),
        refused(UNREADABLE),
        "clip.webm",
    ),
    Case(
        "noise-after-gif",
        lambda clip_maker: b"GIF89a" + clip_maker.rng("gif").randbytes(65536),
        refused(UNREADABLE, (422, "too_many_pixels"), (422, "too_short")),
        "clip.gif",
    ),
    Case("name-without-type", lambda clip_maker: clip_maker.clip(), refused(UNSUPPORTED), "clip"),
    Case("double-type", lambda clip_maker: clip_maker.clip(), refused(UNSUPPORTED), "clip.mp4.exe"),
    Case(
        "mkv-by-name", lambda clip_maker: clip_maker.clip("mkv"), refused(UNSUPPORTED), "clip.mkv"
    ),
    Case("m4v-by-name", lambda clip_maker: clip_maker.clip(), refused(UNSUPPORTED), "clip.m4v"),
]
CASES = [*BY_NAME, *BY_CONTENT, *NOTHING]
