"""Playlists, scripts and references that make the decoder open another file or URL."""

from collections.abc import Callable

from tests.support import boxes
from tests.support.boxes import Track, box, full, movie, words
from tests.support.clips import (
    UNREADABLE,
    UNSUPPORTED,
    Case,
    ClipMaker,
    canary_clip,
    either,
    refused,
)

HLS = (
    "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n"
    "#EXTINF:10,\n{canary}\n#EXTINF:10,\nhttp://127.0.0.1:{port}/hls.mp4\n#EXT-X-ENDLIST\n"
)
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    "<BaseURL>http://127.0.0.1:{port}/</BaseURL><Period><AdaptationSet><Representation>"
    "<BaseURL>file:{canary}</BaseURL></Representation></AdaptationSet></Period></MPD>"
)
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n"
CONCAT_NEAR = "ffconcat version 1.0\nfile {neighbour}\nfile {neighbour}\n"
CONCAT_FAR = "ffconcat version 1.0\nfile '{canary}'\nfile 'http://127.0.0.1:{port}/concat.mp4'\n"
AVISYNTH = 'DirectShowSource("{canary}")\n'
XXE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{canary}">]><svg>&e;</svg>'
ASX = '<asx version="3.0"><entry><ref href="http://127.0.0.1:{port}/asx.mp4"/></entry></asx>'
PLS = "[playlist]\nFile1=http://127.0.0.1:{port}/pls.mp4\nFile2={canary}\nNumberOfEntries=2\n"
SMIL = '<smil><body><video src="http://127.0.0.1:{port}/smil.mp4"/></body></smil>'
XSPF = "<playlist><track><location>file://{canary}</location></track></playlist>"
FFMETADATA = ";FFMETADATA1\ntitle={canary}\n[CHAPTER]\nSTART=0\nEND=9\n"
LINK = "file:{canary}\n"
SCRIPTS = {
    "hls": HLS,
    "dash": DASH,
    "sdp": SDP,
    "ffconcat-neighbour": CONCAT_NEAR,
    "ffconcat-absolute": CONCAT_FAR,
    "avisynth": AVISYNTH,
    "xxe": XXE,
    "asx-listener": ASX,
    "pls-listener": PLS,
    "smil": SMIL,
    "xspf": XSPF,
    "ffmetadata": FFMETADATA,
    "link": LINK,
}


def script(template: str, *, front: bytes = b"") -> Callable[[ClipMaker], bytes]:
    def cook(clip_maker: ClipMaker) -> bytes:
        names = {
            "canary": clip_maker.canary,
            "neighbour": clip_maker.canary.name,
            "port": clip_maker.port,
        }
        return front + template.format(**names).encode()

    return cook


def stored_elsewhere(reference: Callable[[ClipMaker], bytes]) -> Callable[[ClipMaker], bytes]:
    """Return a movie whose samples are in another file, at the offsets of the canary."""

    def cook(clip_maker: ClipMaker) -> bytes:
        canary = canary_clip(clip_maker)
        entry, samples = boxes.samples(canary)
        place = words(0, 1, canary.index(samples[0]))  # one chunk of all samples
        tables = {b"stco": place, b"stsc": words(0, 1, 1, len(samples), 1)}
        durations = [42] * len(samples)
        track = Track(entry, samples, durations, dref=reference(clip_maker), tables=tables)
        return movie(track, brand=b"qt  ", media=b"")

    return cook


def alias(clip_maker: ClipMaker) -> bytes:
    """Return a Macintosh alias record of the canary: relative (type 2) and absolute (type 18)."""
    name, path = clip_maker.canary.name.encode(), str(clip_maker.canary).encode()
    record = bytearray(150)
    record[8:10], record[10:14] = b"\0\2", b"Macs"
    record[50] = len(name)
    record[51 : 51 + len(name)] = name[:63]
    record[130:134] = b"\0\1\0\2"
    for kind in (2, 18):
        padded = path + b"\0" * (len(path) % 2)
        record += kind.to_bytes(2, "big") + len(path).to_bytes(2, "big") + padded
    record += b"\xff\xff\0\0"
    record[4:6] = len(record).to_bytes(2, "big")
    return full(b"alis", bytes(record))


def url(template: str) -> Callable[[ClipMaker], bytes]:
    def cook(clip_maker: ClipMaker) -> bytes:
        return full(
            b"url ",
            template.format(canary=clip_maker.canary, port=clip_maker.port).encode() + b"\0",
        )

    return cook


def reference_movie(template: str) -> Callable[[ClipMaker], bytes]:
    """Return a QuickTime reference movie (rmra) that points to another file."""

    def cook(clip_maker: ClipMaker) -> bytes:
        there = template.format(canary=clip_maker.canary, port=clip_maker.port).encode() + b"\0"
        data = box(b"rdrf", words(0), b"url ", words(len(there)), there)
        return boxes.ftyp(b"qt  ") + box(b"moov", box(b"rmra", box(b"rmda", data)))

    return cook


PLAIN = [
    Case(f"{name}-as-{suffix}", script(text), refused(UNSUPPORTED), f"clip.{suffix}")
    for n, (name, text) in enumerate(SCRIPTS.items())
    for suffix in (("mp4", "webm", "mov", "gif")[n % 4],)
]
MASKED = [  # the first bytes pass the sniffer; the rest misleads a demuxer that guesses
    Case("ffconcat-behind-ftyp", script(CONCAT_NEAR, front=b"#\n#\nftyp\n"), refused(UNREADABLE)),
    Case("hls-behind-ftyp", script(HLS, front=b"#EXTfree\n"), refused(UNREADABLE)),
    Case(
        "ffconcat-behind-gif",
        script(CONCAT_FAR, front=b"GIF89a\n"),
        refused(UNREADABLE, (422, "too_many_pixels"), (422, "too_short")),
        "clip.gif",
    ),
    Case(
        "hls-behind-ebml",
        script(HLS, front=b"\x1a\x45\xdf\xa3webm\n"),
        refused(UNREADABLE),
        "clip.webm",
    ),
]
ELSEWHERE = [
    Case("dref-alias", stored_elsewhere(alias), either(UNREADABLE), "clip.mov"),
    Case("dref-url-file", stored_elsewhere(url("file://{canary}")), either(UNREADABLE), "clip.mov"),
    Case(
        "dref-url-http",
        stored_elsewhere(url("http://127.0.0.1:{port}/dref")),
        either(UNREADABLE),
        "clip.mov",
    ),
    Case(
        "rmra-file",
        reference_movie("file://{canary}"),
        refused(UNREADABLE, (422, "no_video")),
        "clip.mov",
    ),
    Case(
        "rmra-http",
        reference_movie("http://127.0.0.1:{port}/rmra"),
        refused(UNREADABLE, (422, "no_video")),
        "clip.mov",
    ),
]
CASES = [*PLAIN, *MASKED, *ELSEWHERE]
