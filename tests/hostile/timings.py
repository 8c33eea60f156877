"""Unusual timestamps that must convert and show the right time: rates, gaps, edits, ten hours."""

from collections.abc import Callable, Sequence

from tests.support import boxes, ebml
from tests.support.boxes import Track, movie
from tests.support.clips import (
    LOOP_FRAMES,
    PACE,
    PAST_END,
    TOO_SHORT,
    Case,
    ClipMaker,
    Expect,
    converts,
    either,
    refused,
)

INTRA = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "1")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "500k")
TEN_HOURS = 36_000


def rate(
    fps: float, *, seconds: float = 1, pace: float = 1, suffix: str = "mp4"
) -> Callable[[ClipMaker], bytes]:
    codec = VP8 if suffix == "webm" else INTRA[:-2]
    return lambda clip_maker: clip_maker.clip(
        suffix, fps=fps, seconds=seconds, pace=pace, codec=codec, size=(64, 36)
    )


def track(
    clip_maker: ClipMaker, times: Sequence[float], durations: Sequence[int], **how: object
) -> Track:
    """Return a track of key frames that show `times` s, each for its number of ms."""
    entry, samples = boxes.samples(clip_maker.clip(times=times, codec=INTRA))
    return Track(entry, samples, durations, **how)  # type: ignore[arg-type]


def vfr(
    times: Sequence[float], durations: Sequence[int], **how: object
) -> Callable[[ClipMaker], bytes]:
    return lambda clip_maker: movie(track(clip_maker, times, durations, **how))


def ten_hours(clip_maker: ClipMaker) -> bytes:
    """One frame every 10 s for ten hours; the last one shows 7 s."""
    return movie(
        track(clip_maker, [1.0] * (TEN_HOURS // 10 - 1) + [7.0], [10_000] * (TEN_HOURS // 10))
    )


def ten_hours_recorded(clip_maker: ClipMaker) -> bytes:
    """Ten hours as recorded: no duration, no cues, a cluster every 25 s; the last shows 7 s."""
    still, *_, last = ebml.packets(clip_maker.clip("ivf", "-g", "1", codec=VP8, times=(1.0, 7.0)))
    at = range(0, TEN_HOURS * 1000 + 1, 25_000)
    data = [last if n == at[-1] else still for n in at]
    clusters = [
        ebml.cluster(n, [ebml.block(d, 0, key=True)], unknown=True)
        for n, d in zip(at, data, strict=True)
    ]
    tail = ebml.cluster(at[-1] + 8000, [ebml.block(last, 0, key=True)], unknown=True)
    tracks = ebml.element(ebml.TRACKS, ebml.video_track())
    return ebml.header() + ebml.endless(ebml.SEGMENT, ebml.info(), tracks, *clusters, tail)


def first_at(millis: int) -> Callable[[ClipMaker], bytes]:
    """Return a WebM whose first frame is at `millis` ms."""
    return lambda clip_maker: ebml.recorded(
        b"V_VP8", ebml.packets(clip_maker.clip("ivf", codec=VP8)), first=millis
    )


def late_video(offset: float) -> Callable[[ClipMaker], bytes]:
    """Return a clip whose sound starts at 0 s and whose picture starts at `offset` s."""

    def cook(clip_maker: ClipMaker) -> bytes:
        sound = ("-f", "lavfi", "-i", "sine=duration=3")
        return clip_maker.remux(
            clip_maker.clip(),
            "mp4",
            *sound,
            "-map",
            "0",
            "-map",
            "1",
            "-c:v",
            "copy",
            before=("-itsoffset", str(offset)),
        )

    return cook


def negative(clip_maker: ClipMaker) -> bytes:
    """Negative first timestamps: a stream copy that begins between two key frames."""
    source = clip_maker.clip(
        seconds=3, codec=("-c:v", "libx264", "-g", "24", "-bf", "2", "-pix_fmt", "yuv420p")
    )
    return clip_maker.remux(
        source, "mp4", "-c", "copy", "-avoid_negative_ts", "disabled", before=("-ss", "1.5")
    )


def negative_webm(clip_maker: ClipMaker) -> bytes:
    """The first block is 100 ms before its cluster at 0."""
    packets = ebml.packets(clip_maker.clip("ivf", codec=VP8))
    blocks = [ebml.block(p, n * 42 - 100, key=n == 0) for n, p in enumerate(packets)]
    tracks = ebml.element(ebml.TRACKS, ebml.video_track())
    return ebml.header() + ebml.element(ebml.SEGMENT, ebml.info(), tracks, ebml.cluster(0, blocks))


def at(
    name: str,
    make: Callable[[ClipMaker], bytes],
    expect: Expect,
    start: str | None = None,
    filename: str = "a.mp4",
) -> Case:
    return Case(name, make, expect, filename, start)


SMOOTH = [n / 24 for n in range(48)]
HOLE = vfr([*SMOOTH, 6.0, 6.5], [42] * 47 + [4026, 500, 500])  # 2 s, a gap until 6 s, then 2 s more
STEPS = vfr([0, 1, 2, 3, 4, 5, 6, 7], [1000] * 8)
JITTER = vfr([n * 0.05 for n in range(60)], [20, 80] * 30)

RATES = [
    *(
        at(f"fps-{fps:g}", rate(fps, pace=PACE), converts((22, 26), seconds=((0, 0.0), (18, 3.0))))
        for fps in (12, 23.976, 25, 29.97, 50, 59.94, 120, 240)
    ),
    at("fps-1", rate(1, seconds=4), converts(LOOP_FRAMES, seconds=((0, 0.0), (60, 2.0)))),
    at("fps-5", rate(5), converts((19, 25), seconds=((0, 0.0),))),
    at("fps-1000", rate(1000, pace=PACE), converts(24, seconds=((0, 0.0), (18, 3.0)))),
    at("fps-1000-webm", rate(1000, suffix="webm"), converts(24), filename="a.webm"),
    at("fps-0.1", vfr([0, 5], [10_000, 10_000]), converts(LOOP_FRAMES)),
]
VARIABLE = [
    at("jitter", JITTER, converts(72, seconds=((0, 0.0), (48, 2.0)))),
    at("hole", HOLE, converts(LOOP_FRAMES, seconds=((0, 0.0), (24, 1.0), (50, 1.96), (70, 1.96)))),
    at(
        "hole-start-in-it",
        HOLE,
        converts(LOOP_FRAMES, seconds=((0, 1.96), (12, 1.96), (40, 1.96), (64, 6.0))),
        "00:00:03.500",
    ),
    at("one-a-second", STEPS, converts(LOOP_FRAMES, seconds=((0, 0.0), (36, 1.0), (60, 2.0)))),
    at(
        "one-a-second-at-2.5",
        STEPS,
        converts(LOOP_FRAMES, seconds=((0, 2.0), (6, 2.0), (18, 3.0), (66, 5.0))),
        "00:00:02.500",
    ),
    at("one-a-second-near-the-end", STEPS, converts((10, 21), seconds=((0, 7.0),)), "00:00:07.200"),
]
CLOCKS = [
    at("negative-copy", negative, converts((30, 60))),
    at("negative-webm", negative_webm, converts((8, 13)), filename="a.webm"),
    at("late-webm", first_at(5000), converts((11, LOOP_FRAMES)), filename="a.webm"),
    at("very-late-webm", first_at(86_400_000), converts((11, LOOP_FRAMES)), filename="a.webm"),
    at("late-video-2-s", late_video(2), converts((11, 61))),
    at(
        "edit-skips-half",
        vfr(SMOOTH, [42] * 48, edits=[(1500, 500)]),
        converts((35, 38), seconds=((0, 0.5), (24, 1.5))),
    ),
    at(
        "edit-waits-a-second",
        vfr(SMOOTH, [42] * 48, edits=[(1000, -1), (2016, 0)]),
        converts((47, 74)),
    ),
    at(
        "edit-shows-twice", vfr(SMOOTH, [42] * 48, edits=[(1000, 0), (1000, 0)]), converts((23, 60))
    ),
    at("timescale-90000", vfr(SMOOTH, [3750] * 48, timescale=90_000), converts(48)),
    at("timescale-600", vfr(SMOOTH, [25] * 48, timescale=600), converts(48)),
    at(
        "minutes-apart",
        vfr([0, 1, 2, 3], [200_000] * 4),
        converts(LOOP_FRAMES, seconds=((70, 0.0),)),
    ),
    at("last-frame-stays", vfr([0.0, 1.0], [42, 4000]), converts((2, 98))),
    at("all-at-once", vfr(SMOOTH, [1] * 48), either(TOO_SHORT, frames=(2, 3))),
]
LONG = [
    at("ten-hours", ten_hours, converts(LOOP_FRAMES, seconds=((0, 1.0), (70, 1.0)))),
    at(
        "ten-hours-near-the-end",
        ten_hours,
        converts((46, 49), seconds=((0, 7.0), (40, 7.0))),
        "09:59:58",
    ),
    at(
        "ten-hours-in-the-middle",
        ten_hours,
        converts(LOOP_FRAMES, seconds=((0, 1.0),)),
        "05:00:01.500",
    ),
    at("ten-hours-past-the-end", ten_hours, refused(PAST_END), "10:00:01"),
    at(
        "ten-hours-recorded",
        ten_hours_recorded,
        converts(LOOP_FRAMES, seconds=((0, 7.0),)),
        "10:00:01",
        "a.webm",
    ),
]
ENDS = [
    at("one-frame", rate(24, seconds=1 / 24), refused(TOO_SHORT)),
    at(
        "one-frame-gif",
        lambda clip_maker: clip_maker.clip("gif", codec=("-c:v", "gif"), seconds=1 / 24),
        refused(TOO_SHORT),
        filename="a.gif",
    ),
    at("one-frame-a-second-long", vfr([0.0], [1000]), either(TOO_SHORT, frames=(2, 25))),
    at("two-frames", vfr([0.0, 0.1], [42, 42]), converts((2, 3))),
    at("one-frame-left", rate(24, seconds=2), refused(TOO_SHORT, PAST_END), "00:00:01.970"),
    at("start-at-the-end", rate(24, seconds=2), refused(PAST_END, TOO_SHORT), "00:00:02"),
    at("start-past-the-end", rate(24), refused(PAST_END), "00:00:30"),
    at("start-past-the-end-webm", rate(24, suffix="webm"), refused(PAST_END), "00:10:00", "a.webm"),
    at(
        "start-past-the-end-gif",
        lambda clip_maker: clip_maker.clip("gif", codec=("-c:v", "gif")),
        refused(PAST_END),
        "00:10:00",
        "a.gif",
    ),
    at(
        "all-of-the-loop-from-1.25",
        rate(24, seconds=8),
        converts(LOOP_FRAMES, seconds=((0, 1.25), (60, 1.25 + 60 / 24))),
        "00:00:01.250",
    ),
]
CASES = [*RATES, *VARIABLE, *CLOCKS, *LONG, *ENDS]
