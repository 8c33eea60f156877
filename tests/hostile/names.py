"""File names and start times that must not reach a shell, a path, a header or float()."""

from tests.support.clips import (
    BAD_FIELD,
    BAD_START,
    NO_FILE,
    PAST_END,
    UNREADABLE,
    UNSUPPORTED,
    Case,
    ClipMaker,
    either,
    refused,
)


def shell(clip_maker: ClipMaker) -> bytes:
    """Return a file that passes the sniffer and is then refused, so that nothing is converted."""
    return b"\0\0\0\x18ftypisom" + bytes(16)


HARMLESS = {  # accepted and never used; the content is refused
    "traversal": "../../../../tmp/owned.mp4",
    "traversal-backslash": "..\\..\\owned.mp4",
    "absolute": "/etc/owned.mp4",
    "drive": "C:\\Windows\\owned.mp4",
    "quotes": 'it\'s "quoted" `and` $(touch owned).mp4',
    "semicolon": "a;touch owned;.mp4",
    "dash": "-i.mp4",
    "dash-file": "-filter_complex_script.mp4",
    "percent": "%03d.mp4",
    "percent-s": "%s%s%s%n.mp4",
    "glob": "*?[a-z].mp4",
    "braces": "{0.__class__}.mp4",
    "protocol-concat": "concat:a|b.mp4",
    "protocol-http": "http:127.0.0.1.mp4",
    "protocol-pipe": "pipe:0.mp4",
    "protocol-subfile": "subfile,,start,0,end,9,,:a.mp4",
    "long-300": "a" * 300 + ".mp4",
    "rtl": "clip\u202e4pm.exe.mp4",
    "reserved-con": "CON.mp4",
    "reserved-nul": "nul.mp4",
    "reserved-com1": "COM1.mp4",
    "script": "<script>alert(1)</script>.mp4",
    "emoji": "\U0001f600\u200d\U0001f469.mp4",
    "combining": "e\u0301" * 90 + ".mp4",
    "spaces": "   a   b   .mp4",
    "upper": "CLIP.MP4",
    "dots": "....mp4",
    "tilde": "~root.mp4",
    "html-entity": "&#46;&#46;&#47;owned.mp4",
}
SHADY = {  # multipart parsers may read these differently; the status is 4xx in any case
    "nul": "a\0b.mp4",
    "long-5000": "a" * 5000 + ".mp4",  # longer than Django reads of a part's header
    "nul-hides-exe": "a.exe\0.mp4",
    "nul-hides-mp4": "a.mp4\0.exe",
    "crlf": "a\r\nSet-Cookie: owned=1\r\n.mp4",
    "lf": "a\nb.mp4",
    "rtl-exe": "clip\u202e4pm.exe",
    "only-type": ".mp4",
    "only-dots": "..",
    "dot": ".",
    "slash-end": "clip.mp4/",
    "space-end": "clip.mp4 ",
    "dot-end": "clip.mp4.",
    "stream": "clip.mp4::$DATA",
    "empty": "",
    "control": "".join(map(chr, range(1, 32))) + ".mp4",
    "surrogate": "\udcff\udcfe.mp4",
}
BAD_STARTS = {
    "negative": "-00:00:01",
    "negative-number": "-1",
    "nan": "NaN",
    "inf": "inf",
    "1e9": "1e9",
    "1e9-seconds": "00:00:1e9",
    "arabic-digits": "\u0660\u0660:\u0660\u0660:\u0660\u0661",
    "fullwidth-digits": "\uff10\uff10:\uff10\uff10:\uff10\uff11",
    "superscript": "00:00:0²",
    "10000-digits": "9" * 10_000,
    "10000-digits-of-seconds": "00:00:" + "1" * 10_000,
    "sixty-seconds": "00:00:60",
    "sixty-minutes": "00:60:00",
    "hex": "0x00:00:01",
    "underscore": "0_0:00:01",
    "plus": "+0:00:01",
    "inner-space": "00: 00:01",
    "shell": "00:00:01;touch owned",
    "option": "-i /etc/passwd",
    "nul": "00:00:01\0",
    "crlf": "00:00:01\r\nX: y",
    "words": "the beginning",
    "filter": "0,movie=/etc/passwd",
    "four-parts": "00:00:00:01",
    "comma": "00:00:01,500",
    "list": "['00:00:01']",
}
EDGE_STARTS = {  # valid or not: both are accepted
    "blank": "",
    "spaces-round-it": " 00:00:00 ",
    "short": "0:0:0",
    "minutes": "00:00",
    "newline": "00:00:00\n",
    "many-decimals": "00:00:00.123456789",
    "three-digit-hours": "100:00:00",
    "largest": "99:59:59.999",
}
CASES = [
    *(Case(f"name-{key}", shell, refused(UNREADABLE), name) for key, name in HARMLESS.items()),
    *(
        Case(f"name-{key}", shell, refused(UNREADABLE, UNSUPPORTED, NO_FILE, BAD_FIELD), name)
        for key, name in SHADY.items()
    ),
    *(
        Case(
            f"start-{key}",
            lambda clip_maker: clip_maker.clip(),
            refused(BAD_START),
            start_time=text,
        )
        for key, text in BAD_STARTS.items()
    ),
    *(
        Case(
            f"start-{key}",
            lambda clip_maker: clip_maker.clip(),
            either(BAD_START, PAST_END),
            start_time=text,
        )
        for key, text in EDGE_STARTS.items()
    ),
]
