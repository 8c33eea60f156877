"""Measure the peak memory of the whole process tree for every clip and hostile file.

`.venv/bin/python benchmarks/memory/measure.py [--quick] [--clips FOLDER]` starts the real server,
uploads each file at full size and prints a table, most memory first. --quick: only the clips and
the bombs. --clips: also every .mp4, .mov, .webm and .gif of a folder. Exits with 1 if a file needed
512 MB or more.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.hostile import flips  # noqa: E402
from tests.hostile.corpus import CLASSES  # noqa: E402
from tests.support.clips import ClipMaker  # noqa: E402
from tests.support.live import Live, Memory, serve  # noqa: E402

LIMIT_MB = 512
UPLOAD_BYTES = 104_857_600
LISTED = 25
FLIPS = 100


@dataclass(frozen=True)
class Upload:
    name: str
    filename: str
    data: Callable[[], bytes]
    start_time: str | None = None


@dataclass(frozen=True)
class Row:
    name: str
    status: int
    seconds: float
    peak_mb: float


def clips(folder: Path | None) -> Iterator[Upload]:
    for path in sorted(folder.glob("*")) if folder else ():
        if path.suffix in (".mp4", ".mov", ".webm", ".gif"):
            yield Upload(f"clip {path.name}", path.name, path.read_bytes)


def largest(clip_maker: ClipMaker) -> Iterator[Upload]:
    """An upload of exactly 100 MiB, cameras' large pictures of ten bits, and too many of them."""
    padding = UPLOAD_BYTES - len(clip_maker.clip())
    yield Upload("100 MiB", "a.mp4", lambda: clip_maker.clip() + bytes(padding))
    deep = ("-pix_fmt", "yuv420p10le", "-color_trc", "arib-std-b67", "-tag:v", "hvc1")
    camera = ("-c:v", "libx265", *deep, "-x265-params", "log-level=none:ref=2:bframes=0")
    refs = ("-c:v", "libx264", "-x264-params", "ref=16:bframes=3", "-pix_fmt", "yuv420p")
    for name, size, codec in (
        ("camera HLG 4K", "3840x2160", camera),
        ("camera HLG 5.3K", "5312x2988", camera),
        ("16 references of 16 MP", "4096x4096", refs),
    ):
        source = ("-f", "lavfi", "-i", f"testsrc2=s={size}:r=30:d=1")
        command = (*source, *codec, "-preset", "ultrafast")
        yield Upload(name, "a.mov", lambda c=command: clip_maker.ffmpeg(*c, suffix="mov"))


def hostile(clip_maker: ClipMaker, *, quick: bool) -> Iterator[Upload]:
    for kind, cases in CLASSES.items():
        if not quick or kind == "bombs":
            for case in cases:
                make = case.make
                yield Upload(
                    f"{kind} {case.name}",
                    case.filename,
                    lambda make=make: make(clip_maker),
                    case.start_time,
                )
    for case in flips.cases(range(0 if quick else FLIPS)):
        yield Upload(f"flips {case.name}", case.filename, lambda make=case.make: make(clip_maker))


def measured(live: Live, upload: Upload) -> Row:
    data = upload.data()
    fields = {} if upload.start_time is None else {"start_time": upload.start_time}
    with Memory(live) as memory:
        answer = live.convert(data, upload.filename, timeout=130, **fields)
    if answer.status == 200:
        live.download(answer)
    return Row(upload.name, answer.status, answer.seconds, memory.peak_mb)


def report(rows: list[Row]) -> None:
    print(f"{len(rows)} files; peak memory of the tree, MB of 10^6 bytes, shared pages twice")
    print(f"{'MB':>5} {'s':>6} {'HTTP':>4}  file")
    for row in sorted(rows, key=lambda row: -row.peak_mb)[:LISTED]:
        print(f"{row.peak_mb:5.0f} {row.seconds:6.1f} {row.status:4}  {row.name}")
    refusals = [row for row in rows if row.status != 200]
    slowest = max(refusals, key=lambda row: row.seconds)
    print(f"slowest refusal: {slowest.name}, {slowest.status}, {slowest.seconds:.1f} s")
    print(f"5xx: {[row.name for row in rows if row.status >= 500]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--clips", type=Path, help="real clips to upload too")
    options = parser.parse_args()
    clip_maker = ClipMaker(canary=Path("/nowhere"), port=9)
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as live:
        print(f"idle: {live.rss_mb():.0f} MB")
        uploads = [
            *clips(options.clips),
            *largest(clip_maker),
            *hostile(clip_maker, quick=options.quick),
        ]
        rows = [measured(live, upload) for upload in uploads]
    report(rows)
    return int(max(row.peak_mb for row in rows) >= LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())
