"""Make clips, and partial uploads of them with the page's modules (in Node)."""

import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from converter.pipeline.control import Control
from converter.pipeline.source.layout import Layout, parse_layout
from converter.pipeline.source.part import open_part
from converter.pipeline.source.source import Source
from tests.support.files import ROOT

SECONDS = 24
MAX_PIXELS = 17_000_000
# Each frame differs from all others, and a conversion costs a third of testsrc2's.
VIDEO = ("-t", str(SECONDS), "-f", "lavfi", "-i", "cellauto=s=160x90:r=24:seed=1")
TWO_INPUTS = (*VIDEO, "-f", "lavfi", "-i", f"sine=d={SECONDS}")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "48")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "48")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=48")

# A file name of each kind -> ffmpeg's arguments for it.
KINDS: dict[str, tuple[str, ...]] = {
    "b_frames_edit_list.mp4": (*TWO_INPUTS, *X264, "-bf", "3", "-c:a", "aac"),
    "faststart.mp4": (*TWO_INPUTS, *X264, "-c:a", "aac", "-movflags", "faststart"),
    "hevc.mp4": (*TWO_INPUTS, *X265, "-pix_fmt", "yuv420p", "-tag:v", "hvc1", "-c:a", "aac"),
    "av1.mp4": (*VIDEO, "-c:v", "libsvtav1", "-preset", "12", "-g", "48", "-pix_fmt", "yuv420p"),
    "timecode.mov": (*TWO_INPUTS, *X264, "-c:a", "pcm_s16le", "-timecode", "01:00:00:00"),
    "prores.mov": (*VIDEO, "-c:v", "prores", "-profile:v", "0", "-pix_fmt", "yuv422p10le"),
    "vfr.mp4": (
        *TWO_INPUTS,
        *("-vf", "select='not(mod(n,3))+lt(mod(n,60),20)'", "-fps_mode", "vfr"),
        *(*X264, "-bf", "2", "-c:a", "aac"),
    ),
    "turned.mp4": ("-display_rotation", "90", "-i", "b_frames_edit_list.mp4", "-c", "copy"),
    "fragmented.mp4": (
        *("-i", "b_frames_edit_list.mp4", "-c", "copy"),
        *("-movflags", "frag_keyframe+empty_moov"),
    ),
    "relative_fragments.mp4": (
        *("-i", "b_frames_edit_list.mp4", "-c", "copy"),
        *("-movflags", "frag_keyframe+empty_moov+default_base_moof+skip_trailer"),
    ),
    "fragments_with_index.mp4": (
        *("-i", "b_frames_edit_list.mp4", "-c", "copy"),
        *("-movflags", "frag_keyframe+empty_moov+default_base_moof+global_sidx"),
    ),
    "vp9.webm": (*TWO_INPUTS, *VP9, "-pix_fmt", "yuv420p", "-c:a", "libopus"),
    "vp9_alpha.webm": (
        *(*VIDEO, "-vf", "split[a][b];[a][b]alphamerge"),
        *(*VP9, "-auto-alt-ref", "0", "-pix_fmt", "yuva420p"),
    ),
    "without_cues.webm": ("-i", "vp9.webm", "-c", "copy", "-live", "1"),
}


def need_node() -> str:
    """Return the path of Node; skip the test if there is none."""
    return shutil.which("node") or pytest.skip("install node 20 or newer")


def make_kind(clips: Callable[..., Path], name: str) -> Path:
    """Make the clip KINDS[name], and the one that it is copied from."""
    arguments = [
        str(make_kind(clips, argument)) if argument in KINDS else argument
        for argument in KINDS[name]
    ]
    return clips(name, *arguments)


def page_layout(path: Path, start_s: float, *, thorough: bool = False) -> Layout | None:
    """Return the layout that the page would send for six seconds; None for the whole file."""
    script = ROOT / "tests/support/layout.mjs"
    command = [need_node(), str(script), str(path), str(start_s), "6"]
    run = subprocess.run(
        [*command, *(["thorough"] if thorough else [])], check=True, capture_output=True, text=True
    )
    return None if run.stdout.strip() == "null" else parse_layout(run.stdout)


def write_part(path: Path, layout: Layout, target: Path) -> Path:
    """Write the upload that `layout` describes to `target` and return it."""
    with path.open("rb") as whole, target.open("wb") as part:
        for offset, length in layout.ranges:
            whole.seek(offset)
            part.write(whole.read(length))
    return target


def inflate(path: Path, target: Path, *, extra: int) -> Path:
    """Write the MP4 or MOV, whose movie box comes last, to `target` with `extra` bytes of holes in
    the middle of its media data; return `target`. Its samples stay what they are.
    """
    data = bytearray(path.read_bytes())
    places = [data.index(b"mdat"), *_places(data, b"stco")]
    (media,) = struct.unpack_from(">I", data, places[0] - 4)
    middle = places[0] + media // 2
    cut = len(data)
    for place in places[1:]:
        (count,) = struct.unpack_from(">I", data, place + 8)
        offsets = struct.unpack_from(f">{count}I", data, place + 12)
        cut = min([cut, *(offset for offset in offsets if offset >= middle)])
    assert cut < len(data), "all samples are in one chunk: give the clip sound"
    for place in places[1:]:
        (count,) = struct.unpack_from(">I", data, place + 8)
        for entry in range(place + 12, place + 12 + 4 * count, 4):
            (offset,) = struct.unpack_from(">I", data, entry)
            struct.pack_into(">I", data, entry, offset + (extra if offset >= cut else 0))
    struct.pack_into(">I", data, places[0] - 4, media + extra)
    with target.open("wb") as file:
        file.write(data[:cut])
        file.seek(extra, os.SEEK_CUR)
        file.write(data[cut:])
    return target


def inflate_fragments(path: Path, target: Path, *, extra: int) -> Path:
    """Write the fragmented MP4 to `target` with a free box of `extra` bytes, nearly all of them a
    hole, between its fragments; return `target`. Its offsets must be relative to the fragments.
    """
    data = path.read_bytes()
    fragments = _places(data, b"moof")
    cut = fragments[len(fragments) // 2] - 4
    with target.open("wb") as file:
        file.write(data[:cut] + struct.pack(">I4s", extra, b"free"))
        file.seek(extra - 8, os.SEEK_CUR)
        file.write(data[cut:])
    return target


def with_free_box(clip: bytes, *, size: int) -> bytes:
    """Return the MP4 followed by the first bytes of a free box that ends at `size`."""
    return clip + struct.pack(">I4sQ", 1, b"free", size - len(clip)) + bytes(48)


def _places(data: bytes | bytearray, box: bytes) -> list[int]:
    places, at = [], data.find(box)
    while at >= 0:
        places.append(at)
        at = data.find(box, at + 4)
    return places


def open_part_of(path: Path, layout: Layout, folder: Path, *, start_s: float) -> Source:
    """Open a part of the file as the server does. Raises IncompleteUploadError."""
    upload = write_part(path, layout, folder / "upload")
    target = folder / "whole"
    target.unlink(missing_ok=True)
    return open_part(
        upload,
        layout,
        target=target,
        start_s=start_s,
        seconds=6,
        max_pixels=MAX_PIXELS,
        control=Control(timeout_s=100),
    )
