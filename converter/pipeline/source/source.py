"""Open an upload: detect its container and probe it once, and pass the result on as one object."""

from dataclasses import dataclass
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.source.gif_blocks import rewrite
from converter.pipeline.source.nameless import NamelessFile
from converter.pipeline.source.probe import Probe, probe
from converter.pipeline.source.sniff import sniff


@dataclass(frozen=True, kw_only=True)
class Source:
    """A local file, its probe, and the maximal number of pixels per frame."""

    path: Path
    probe: Probe
    max_pixels: int
    # The temporary file behind `path`, if any. It exists as long as this object.
    file: NamelessFile | None = None


def open_source(path: Path, *, max_pixels: int, control: Control) -> Source:
    """Sniff and probe the file at `path`. Raises InputError and the exceptions of `control`."""
    container = sniff(path)
    file = rewrite(path) if container == "gif" else None
    if file is not None:
        path = file.path
    about = probe(path, container=container, max_pixels=max_pixels, control=control)
    return Source(path=path, probe=about, max_pixels=max_pixels, file=file)
