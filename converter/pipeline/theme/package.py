"""Make a Chrome theme as a zip: animations from the source's pixels, icons, colours, a manifest."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from converter.pipeline.control import Control
from converter.pipeline.errors import ConversionTimeoutError, OutputError
from converter.pipeline.picture.encode import Cut, TooMuchMemoryError
from converter.pipeline.picture.make import Animation, make_animation
from converter.pipeline.profile import Scale
from converter.pipeline.screen import Screen, Size, picture_sizes
from converter.pipeline.theme import manifest
from converter.pipeline.theme.colours import FrameSampler, ThemeColours
from converter.pipeline.theme.readme import readme

# Named .png although they are AVIF: see manifest.UNPACKED.
NAMES: dict[Scale, str] = {"100": "images/background.png", "200": "images/background@2x.png"}
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One of the theme's pictures: its scale in percent, size in px, bytes."""

    scale: Scale
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class ThemeFacts:
    """The contents of the zip, and its size in bytes."""

    bytes: int
    pictures: tuple[Picture, ...]
    name: str
    colours: ThemeColours

    def described(self) -> dict[str, Any]:
        """Return the facts as plain values, colours as [r, g, b]."""
        return {
            "bytes": self.bytes,
            "pictures": [asdict(picture) for picture in self.pictures],
            "name": self.name,
            "colors": {name: list(rgb) for name, rgb in asdict(self.colours).items()},
        }


def make_theme(
    cut: Cut,
    output: Path,
    *,
    sampler: FrameSampler,
    frames: int,
    screen: Screen,
    name: str,
    control: Control,
    made: Animation | None = None,
) -> ThemeFacts:
    """Write the theme of the cut as a zip; `sampler` has got its frames.

    `frames` is their number. `made` is an animation of the cut, used if it has the right size.
    Other pictures are written to the folder of `output`; the caller removes them. Raises
    ConversionError.
    """
    control.report("theme")
    shown = _make_both(cut, output.parent, screen=screen, frames=frames, control=control, made=made)
    return _pack(output, shown=shown, sampler=sampler, name=manifest.theme_name(name))


def _make_both(
    cut: Cut,
    folder: Path,
    *,
    screen: Screen,
    frames: int,
    control: Control,
    made: Animation | None,
) -> dict[Scale, Animation]:
    """Return the animation for each scale; equal sizes share one.

    If time or memory is too short for the second, both scales get the first, which is too small for
    one of them.
    """
    sizes = picture_sizes(screen)
    known = {made.size: made} if made else {}
    total = sum(_pixels(size) for size in {*sizes.values()} - {*known})
    shown: dict[Scale, Animation] = {}
    done = 0
    for scale, size in sizes.items():
        if size not in known:
            report = partial(_report, control, done / total, (done + _pixels(size)) / total)
            output = folder / f"theme{scale}.avif"
            try:
                known[size] = make_animation(
                    cut, output, size=size, frames=frames, control=control, report=report
                )
            except (ConversionTimeoutError, TooMuchMemoryError):
                if not shown:
                    raise
                known[size] = next(iter(shown.values()))
            done += _pixels(size)
        shown[scale] = known[size]
    return shown


def _pixels(size: Size) -> int:
    return size[0] * size[1]


def _report(control: Control, begin: float, end: float, share: float) -> None:
    control.report("theme", begin + (end - begin) * share)


def _pack(
    output: Path, *, shown: Mapping[Scale, Animation], sampler: FrameSampler, name: str
) -> ThemeFacts:
    """Write the zip without compression, which would save nothing, and without the current date."""
    names = {shown[scale].path: NAMES[scale] for scale in sorted(shown, reverse=True)}
    pictures = tuple(
        Picture(
            scale=scale,
            width=shown[scale].facts.width,
            height=shown[scale].facts.height,
            bytes=shown[scale].facts.bytes,
        )
        for scale in sorted(shown)
    )
    colours = sampler.colours()
    paths = {scale: names[animation.path] for scale, animation in shown.items()}
    written = manifest.build(name=name, theme_colours=colours, pictures=paths)
    text = json.dumps(written, indent=2, ensure_ascii=False) + "\n"
    small = {
        "manifest.json": text.encode(),
        "README.txt": readme(name=name, pictures=pictures).encode(),
        **{f"icons/{side}.png": _icon(sampler.icon, side) for side in manifest.ICONS},
    }
    wrong = manifest.faults(json.loads(text), files={*small, *paths.values()})
    if wrong:
        raise OutputError(detail="; ".join(wrong))
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for path, content in small.items():
            archive.writestr(_entry(path), content)
        for source, path in sorted(names.items(), key=lambda pair: pair[1]):
            archive.writestr(_entry(path), source.read_bytes())
    return ThemeFacts(bytes=output.stat().st_size, pictures=pictures, name=name, colours=colours)


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, ZIP_DATE)
    entry.create_system = 3  # Unix, whatever the system here
    entry.external_attr = 0o100644 << 16
    return entry


def _icon(picture: Image.Image, side: int) -> bytes:
    """Return `picture` as a square PNG of `side` px."""
    png = io.BytesIO()
    picture.resize((side, side), Image.Resampling.LANCZOS).save(png, "PNG", optimize=True)
    return png.getvalue()
