"""Derive a theme's colours from the clip: its border, its dominant hue, texts with contrast."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.pipeline.colours import FROM_LAB, FROM_LMS, RGB, TO_LAB, TO_LMS
from converter.pipeline.source.decode import Frame, border_colour

Lab = NDArray[np.float64]

# WCAG 2.2, 1.4.3: text of normal size.
MIN_CONTRAST = 4.5
WHITE: RGB = (255, 255, 255)
INK: RGB = (20, 20, 24)
BLACK: RGB = (0, 0, 0)
HUES = 24
# Below this share of clearly coloured pixels a clip counts as grey.
LEAST_COLOURED = 0.02
GREY_CHROMA = 0.03
FRAME_CHROMA = 0.07


def _linear(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert sRGB 0-255 to linear light 0-1 (IEC 61966-2-1)."""
    v = rgb / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def exact_oklab(rgb: NDArray[np.float64]) -> Lab:
    return np.asarray(np.cbrt(_linear(rgb) @ TO_LMS.T) @ TO_LAB.T)


def _rgb(lab: Lab) -> RGB:
    light = np.clip((lab @ FROM_LAB.T) ** 3 @ FROM_LMS.T, 0, 1)
    v = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    r, g, b = (round(float(x) * 255) for x in v)
    return r, g, b


def luminance(colour: RGB) -> float:
    """Return the relative luminance, 0 to 1 (WCAG 2.2)."""
    return float(_linear(np.array(colour, np.float64)) @ (0.2126, 0.7152, 0.0722))


def contrast(one: RGB, other: RGB) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2).

    >>> contrast((0, 0, 0), (255, 255, 255))
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return round((high + 0.05) / (low + 0.05), 6)


def readable_on(ground: RGB) -> RGB:
    """Return the first of white, ink and black with enough contrast to `ground`; one always has."""
    return next(
        (text for text in (WHITE, INK, BLACK) if contrast(text, ground) >= MIN_CONTRAST), BLACK
    )


def outer_colour(frame: Frame) -> RGB:
    """Return the colour around the picture: that of its bars, or the mean of its edge pixels."""
    corner = frame[0, 0]
    pairs = ((frame[0], frame[-1]), (frame[:, 0], frame[:, -1]))
    has_bars = any(bool((a == corner).all() and (b == corner).all()) for a, b in pairs)
    r, g, b = (int(v) for v in (corner if has_bars else border_colour(frame)))
    return r, g, b


@dataclass(frozen=True, kw_only=True)
class ThemeColours:
    """The four colours of a theme that the manifest derives all others from."""

    frame: RGB
    toolbar: RGB
    text: RGB
    ntp_background: RGB


def theme_colours(samples: NDArray[np.uint8], *, border: RGB) -> ThemeColours:
    """Return colours with the dominant hue of `samples` (n, 3) sRGB, dark for a dark clip."""
    lab = exact_oklab(samples.astype(np.float64))
    is_dark = float(np.median(lab[:, 0])) < 0.62
    a, b = _dominant_hue(lab)
    frame_light, toolbar_light = (0.26, 0.34) if is_dark else (0.86, 0.94)
    toolbar = _rgb(np.array([toolbar_light, a * 0.6, b * 0.6]))
    frame = _rgb(np.array([frame_light, a, b]))
    text = readable_on(toolbar)
    if contrast(text, frame) < MIN_CONTRAST:
        frame = toolbar
    return ThemeColours(frame=frame, toolbar=toolbar, text=text, ntp_background=border)


def _dominant_hue(lab: Lab) -> tuple[float, float]:
    """Return OKLab a, b of the hue with the most chroma; (0, 0) for a grey clip."""
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    coloured = chroma > GREY_CHROMA
    if np.count_nonzero(coloured) < max(1, LEAST_COLOURED * len(lab)):
        return 0.0, 0.0
    angle = np.arctan2(lab[:, 2], lab[:, 1])[coloured]
    weight = chroma[coloured]
    bins = ((angle + np.pi) / (2 * np.pi) * HUES).astype(int) % HUES
    total = np.bincount(bins, weight, minlength=HUES)
    best = int(np.argmax(total + 0.5 * (np.roll(total, 1) + np.roll(total, -1))))
    mine = bins == best
    if not mine.any():
        return 0.0, 0.0
    hue = np.angle(np.sum(weight[mine] * np.exp(1j * angle[mine])))
    strength = min(FRAME_CHROMA, float(np.average(weight[mine], weights=weight[mine])) * 0.6)
    return float(strength * np.cos(hue)), float(strength * np.sin(hue))


class FrameSampler:
    """Collect what a theme needs from the GIF's frames: colour samples, border colour, icon."""

    EVERY, REDUCE, ICON_FRAME, ICON_PX = 12, 16, 72, 256

    def __init__(self) -> None:
        self._count = 0
        self._samples: list[NDArray[np.uint8]] = []
        self._border: RGB = BLACK
        self.icon = Image.new("RGB", (self.ICON_PX, self.ICON_PX))

    def add(self, frame: Frame) -> None:
        """Sample the next frame, (height, width, 3) uint8."""
        if self._count == 0:
            self._border = outer_colour(frame)
        if self._count % self.EVERY == 0:
            picture = Image.fromarray(frame)
            small = np.asarray(picture.reduce(self.REDUCE))
            self._samples.append(small.reshape(-1, 3))
            if self._count <= self.ICON_FRAME:
                self.icon = _square(picture, self.ICON_PX)
        self._count += 1

    def colours(self) -> ThemeColours:
        """Return the theme's colours. Raises ValueError before the first frame."""
        return theme_colours(np.concatenate(self._samples), border=self._border)


def _square(picture: Image.Image, side: int) -> Image.Image:
    """Return the middle of `picture` as a square of `side` px."""
    w, h = picture.size
    cut = min(w, h)
    left, top = (w - cut) // 2, (h - cut) // 2
    return picture.resize(
        (side, side), Image.Resampling.LANCZOS, (left, top, left + cut, top + cut)
    )
