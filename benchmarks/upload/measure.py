"""Measure how much of large files is sent, how fast, and whether the result stays the same.

    .venv/bin/python -m benchmarks.upload.measure [--folder FOLDER] [--megabytes N] [--only WORD]

Makes ten kinds of clips of 100 MB to 2 GB (at most `--megabytes`) from ten seconds each, repeated
without encoding, and keeps them in the folder. For the six seconds from the middle it prints: the
megabytes sent; the time and memory that the page's modules take in Node until the upload could
begin; the time and CPU time that the server takes to restore the file and to check that it is
sufficient; and whether a small GIF of the part is the same, byte for byte, as one of the whole
file. Exits with 1 if a GIF differs.
"""

import argparse
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.convert import convert_video
from converter.pipeline.errors import ConversionError
from converter.pipeline.profile import BACKGROUND, Selection
from converter.pipeline.source.layout import parse_layout
from converter.pipeline.source.part import open_part
from converter.pipeline.source.source import Source, open_source
from tests.support.ffmpeg import run_ffmpeg
from tests.support.parts import write_part

SCRIPT = Path(__file__).with_name("plan.mjs")
SEGMENT_S = 10
# Fewer pixels than a palette has colours, so that the GIF is cheap.
SMALL = replace(BACKGROUND, width=16, height=9)
MAX_PIXELS = 17_000_000
PICTURE = f"testsrc2=s=1280x720:r=30:d={SEGMENT_S},noise=alls=12:allf=t"
SOUND = ("-f", "lavfi", "-i", f"sine=d={SEGMENT_S}")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "60")
AAC = ("-c:a", "aac")
FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of clip: ffmpeg's options for its ten seconds and for repeating them, and its size."""

    name: str
    suffix: str
    megabytes: int
    rate: str
    codec: tuple[str, ...]
    filters: str = "null"
    remux: tuple[str, ...] = ()


KINDS = [
    Kind(name="H.264", suffix="mp4", megabytes=100, rate="8M", codec=(*X264, "-g", "60", *AAC)),
    Kind(
        name="H.264, 2 GB", suffix="mp4", megabytes=2000, rate="20M",
        codec=(*X264, "-g", "60", *AAC),
    ),
    Kind(
        name="H.264, a key frame in 10 s", suffix="mp4", megabytes=500, rate="12M",
        codec=(*X264, "-g", "300", *AAC),
    ),
    Kind(
        name="H.264 with time code", suffix="mov", megabytes=500, rate="20M",
        codec=(*X264, "-g", "30", "-c:a", "pcm_s16le"), remux=("-timecode", "01:00:00:00"),
    ),
    Kind(
        name="H.264 VFR, turned", suffix="mp4", megabytes=300, rate="12M",
        codec=(*X264, "-g", "60", "-fps_mode", "vfr", *AAC),
        filters="select='not(mod(n,3))+lt(mod(n,60),20)'",
    ),
    Kind(
        name="H.264 in fragments", suffix="mp4", megabytes=500, rate="12M",
        codec=(*X264, "-g", "15", *AAC), remux=FRAGMENTS,
    ),
    Kind(
        name="HEVC", suffix="mp4", megabytes=300, rate="10M",
        codec=(
            *("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-tag:v", "hvc1"),
            *("-x265-params", "log-level=none:keyint=60", *AAC),
        ),
    ),
    Kind(
        name="AV1", suffix="mp4", megabytes=200, rate="6M",
        codec=("-c:v", "libsvtav1", "-preset", "12", "-g", "60", "-pix_fmt", "yuv420p", *AAC),
    ),
    Kind(
        name="VP9", suffix="webm", megabytes=300, rate="8M",
        codec=(*VP9, "-pix_fmt", "yuv420p", "-c:a", "libopus"),
    ),
    Kind(
        name="VP9 with alpha", suffix="webm", megabytes=100, rate="6M",
        codec=(*VP9, "-auto-alt-ref", "0", "-pix_fmt", "yuva420p", "-c:a", "libopus"),
        filters="format=yuva420p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='X*255/W'",
    ),
]  # fmt: skip


def make(kind: Kind, folder: Path, *, megabytes: int) -> Path:
    """Make the clip unless it is in the folder; return its path."""
    path = folder / f"{kind.name.replace(' ', '_').replace(',', '')}_{megabytes}.{kind.suffix}"
    if path.exists():
        return path
    segment, unfinished = folder / f"segment.{kind.suffix}", folder / f"unfinished.{kind.suffix}"
    picture = ("-f", "lavfi", "-i", f"{PICTURE},{kind.filters}")
    run_ffmpeg(*picture, *SOUND, *kind.codec, "-b:v", kind.rate, str(segment))
    repeats = max(2, megabytes * 1_000_000 // segment.stat().st_size)
    turn = ("-display_rotation", "90") if "turned" in kind.name else ()
    again = ("-stream_loop", str(repeats), *turn, "-i", str(segment), "-map", "0:v", "-map", "0:a")
    run_ffmpeg(*again, "-c", "copy", *kind.remux, str(unfinished))
    segment.unlink()
    return unfinished.rename(path)


def small_gif(source: Source, start_s: float, folder: Path) -> str:
    output = folder / "small.gif"
    selection, control = Selection(start_s=start_s), Control(timeout_s=300)
    convert_video(source, output, selection=selection, control=control, profile=SMALL)
    return hashlib.sha256(output.read_bytes()).hexdigest()


def cpu_s() -> float:
    """Return the CPU seconds of this process and of its ended children."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measure(kind: Kind, path: Path, folder: Path) -> tuple[str, bool]:
    """Return the row of the table, and whether the GIF is the same."""
    size = path.stat().st_size
    start_s = round(_duration_s(path) / 2, 3)
    command = ["node", str(SCRIPT), str(path), str(start_s), str(BACKGROUND.seconds)]
    plan = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    if plan["layout"] is None:
        return f"| {kind.name} | {size / 1e6:.0f} | whole | | {plan['ms']:.0f} | | | | |", False
    layout = parse_layout(json.dumps(plan["layout"]))
    upload, target = write_part(path, layout, folder / "upload"), folder / "whole"
    began, spent = time.monotonic(), cpu_s()
    try:
        part = open_part(
            upload,
            layout,
            target=target,
            start_s=start_s,
            seconds=BACKGROUND.seconds,
            max_pixels=MAX_PIXELS,
            control=Control(timeout_s=300),
        )
    except ConversionError as error:
        return f"| {kind.name} | {size / 1e6:.0f} | | | | | | | {error.detail} |", False
    took, spent = time.monotonic() - began, cpu_s() - spent
    disk = target.stat().st_blocks * 512 / 1e6
    whole = open_source(path, max_pixels=MAX_PIXELS, control=Control(timeout_s=300))
    is_same = small_gif(part, start_s, folder) == small_gif(whole, start_s, folder)
    sent = layout.sent_bytes
    row = (
        f"| {kind.name} ({kind.suffix}) | {size / 1e6:.0f} | {sent / 1e6:.1f} | {sent / size:.1%} "
        f"| {plan['ms']:.0f} | {plan['mb']:.0f} | {took:.2f} | {spent:.2f} | {disk:.1f} "
        f"| {'yes' if is_same else 'NO'} |"
    )
    return row, is_same


def _duration_s(path: Path) -> float:
    source = open_source(path, max_pixels=MAX_PIXELS, control=Control(timeout_s=300))
    return source.probe.duration_s or 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the clips are kept (4.6 GB)")
    parser.add_argument("--megabytes", type=int, default=2000, help="the largest clip")
    parser.add_argument("--only", default="", help="kinds whose name contains this")
    asked = parser.parse_args()
    if shutil.which("node") is None:
        print("Install node 20 or newer.", file=sys.stderr)
        return 1
    print("| clip | MB | sent MB | share | plan ms | plan MB | server s | CPU s | disk MB | same |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    all_same = True
    with tempfile.TemporaryDirectory() as scratch:
        clips = asked.folder or Path(scratch) / "clips"
        clips.mkdir(parents=True, exist_ok=True)
        for number, kind in enumerate(k for k in KINDS if asked.only in k.name):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            path = make(kind, clips, megabytes=min(kind.megabytes, asked.megabytes))
            row, is_same = measure(kind, path, folder)
            print(row, flush=True)
            all_same &= is_same
            shutil.rmtree(folder)
    return 0 if all_same else 1


if __name__ == "__main__":
    sys.exit(main())
