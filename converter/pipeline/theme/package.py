"""A Chrome theme from the source's own pixels: two animations, icons, colours, one stored zip."""

import io
import json
import os
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from converter.pipeline.control import Control
from converter.pipeline.errors import ConversionTimeoutError, OutputError
from converter.pipeline.ffmpeg import resident_bytes
from converter.pipeline.picture.encode import TooMuchMemoryError, encode_animation
from converter.pipeline.picture.formats import Format, best_format
from converter.pipeline.picture.inspect import AnimationFacts
from converter.pipeline.profile import BACKGROUND, ConversionProfile, Scale, Selection
from converter.pipeline.screen import Screen, Size, picture_sizes, smaller
from converter.pipeline.source.source import Source
from converter.pipeline.theme import manifest
from converter.pipeline.theme.colours import Look, Palette
from converter.pipeline.theme.readme import readme

# The whole house has 512 MB, of which a gunicorn master takes a share; ours is measured.
HOUSE_BYTES, MASTER_BYTES = 512 * 1024 * 1024, 40 * 1024 * 1024
SHRINK_TIMES = 3
NAMES: dict[Scale, str] = {"100": "images/background", "200": "images/background@2x"}
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
    """What stands in the zip, and how large it is."""

    bytes: int
    pictures: tuple[Picture, ...]
    name: str
    palette: Palette

    def described(self) -> dict[str, Any]:
        """The facts as plain values, colours as [r, g, b]."""
        return {
            "bytes": self.bytes,
            "pictures": [asdict(picture) for picture in self.pictures],
            "name": self.name,
            "colors": {name: list(rgb) for name, rgb in asdict(self.palette).items()},
        }


@dataclass(frozen=True, kw_only=True)
class Studio:
    """All that the theme's pictures have in common."""

    source: Source
    folder: Path
    form: Format
    profile: ConversionProfile
    selection: Selection
    look: Look
    control: Control

    def paint(self, scale: Scale, size: Size, *, stage: tuple[float, float]) -> AnimationFacts:
        """Write the picture for `scale`; smaller than `size` only where memory does not do."""
        for _ in range(SHRINK_TIMES):
            try:
                return encode_animation(
                    self.source,
                    self.path(scale),
                    form=self.form,
                    profile=replace(self.profile, width=size[0], height=size[1]),
                    selection=self.selection,
                    border=self.look.border,
                    frames=self.look.frames,
                    most_bytes=HOUSE_BYTES - MASTER_BYTES - resident_bytes(os.getpid()),
                    control=self.control,
                    stage=stage,
                )
            except TooMuchMemoryError:
                size = smaller(size)
        raise TooMuchMemoryError(detail=f"not even {size}")

    def path(self, scale: Scale) -> Path:
        return self.folder / f"theme{scale}.{self.form}"


def make_theme(
    source: Source,
    output: Path,
    *,
    selection: Selection,
    look: Look,
    screen: Screen,
    name: str,
    control: Control,
    profile: ConversionProfile = BACKGROUND,
) -> ThemeFacts:
    """Write the theme of the cut as a zip; `look` has seen the GIF's frames.

    Writes its pictures beside `output`. Raises ConversionError; both are the caller's to remove.
    """
    control.report("theme")
    form = best_format()
    if form is None:
        raise OutputError(detail="this ffmpeg writes neither AVIF nor animated WebP")
    studio = Studio(
        source=source,
        folder=output.parent,
        form=form,
        profile=profile,
        selection=selection,
        look=look,
        control=control,
    )
    painted = _paint_both(studio, picture_sizes(screen))
    return _pack(output, studio=studio, painted=painted, name=manifest.theme_name(name))


def _paint_both(
    studio: Studio, sizes: dict[Scale, Size]
) -> dict[Scale, tuple[Scale, AnimationFacts]]:
    """By scale: which file to show there, and its facts.

    Out of time for the second, both scales get the first: small there, but not blank.
    """
    (own, own_size), (other, other_size) = sizes.items()
    pixels = own_size[0] * own_size[1], other_size[0] * other_size[1]
    share = pixels[0] / sum(pixels)
    first = studio.paint(own, own_size, stage=(0, share))
    try:
        second = studio.paint(other, other_size, stage=(share, 1))
    except (ConversionTimeoutError, TooMuchMemoryError):
        return {own: (own, first), other: (own, first)}
    return {own: (own, first), other: (other, second)}


def _pack(
    output: Path,
    *,
    studio: Studio,
    painted: dict[Scale, tuple[Scale, AnimationFacts]],
    name: str,
) -> ThemeFacts:
    """Zip it all up: stored, since nothing in it gets smaller, and the same for the same input."""
    paths = {scale: f"{NAMES[file]}.{studio.form}" for scale, (file, _) in painted.items()}
    pictures = tuple(
        Picture(scale=scale, width=facts.width, height=facts.height, bytes=facts.bytes)
        for scale, (_, facts) in sorted(painted.items())
    )
    palette = studio.look.palette()
    written = manifest.build(name=name, palette=palette, pictures=paths)
    text = json.dumps(written, indent=2, ensure_ascii=False) + "\n"
    small = {
        "manifest.json": text.encode(),
        "README.txt": readme(name=name, pictures=pictures).encode(),
        **{f"icons/{side}.png": _icon(studio.look.icon, side) for side in manifest.ICONS},
    }
    wrong = manifest.faults(json.loads(text), files={*small, *paths.values()})
    if wrong:
        raise OutputError(detail="; ".join(wrong))
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for path, content in small.items():
            archive.writestr(_entry(path), content)
        for scale in sorted({file for file, _ in painted.values()}):
            entry = _entry(f"{NAMES[scale]}.{studio.form}")
            archive.writestr(entry, studio.path(scale).read_bytes())
    return ThemeFacts(bytes=output.stat().st_size, pictures=pictures, name=name, palette=palette)


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, ZIP_DATE)
    entry.create_system = 3  # Unix, whatever we run on
    entry.external_attr = 0o100644 << 16
    return entry


def _icon(picture: Image.Image, side: int) -> bytes:
    """`picture` as a square PNG of `side` px."""
    png = io.BytesIO()
    picture.resize((side, side), Image.Resampling.LANCZOS).save(png, "PNG", optimize=True)
    return png.getvalue()
