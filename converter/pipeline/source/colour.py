"""Convert a source's colours to sRGB according to its matrix, range, transfer curve and primaries.

Most sources have BT.709's primaries and curve and need no conversion. For others ffmpeg converts
the R'G'B' levels of each fitted picture with three tables computed here (filters haldclut and
lutrgb):

1. levels to linear light with BT.709's primaries, which may be negative or above 1; HDR is
   compressed to the range of SDR;
2. linear light to levels with sRGB's curve, extended below 0 and above 1;
3. levels outside sRGB's gamut to the colour inside it with the same hue and lightness.

A single table would have errors of 10 levels near the gamut's borders, because they would not
coincide with its grid points. In the third table they do, so colours within sRGB are exact.
Sources: ITU-T H.273, BT.2100 and IEC 61966-2-1.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.pipeline.colours import FROM_LAB, FROM_LMS, TO_LAB, TO_LMS
from converter.pipeline.errors import UnsupportedCodecError
from converter.pipeline.source.nameless import NamelessFile

Floats = NDArray[np.float64]

# BT.2408: HDR reference white is 203 cd/m2, and SDR white is shown there.
HDR_WHITE_NITS = 203
PQ_PEAK_NITS, HLG_PEAK_NITS = 10_000, 1000
HLG_GAMMA = 1.2
# Share of reference white up to which HDR levels are kept; brighter levels are compressed.
KNEE = 0.6
# haldclut's levels: a table has LEVEL^2 points on each axis and is a square of LEVEL^3 pixels a
# side.
LIGHT_LEVEL, GAMUT_LEVEL = 8, 6
# The first table's 16-bit values of light 0 and 1. BT.2020's primaries reach from -0.59 to 1.66.
BLACK_WORD, WHITE_WORD = 17_000, 45_500
# The gamut table's grid points of sRGB levels 0 and 1; its other points have the same distance.
GAMUT_ZERO, GAMUT_ONE = 12, 28
# Steps of the binary search for the highest chroma in sRGB's gamut: to 1/256 of the source's
# chroma.
GAMUT_STEPS = 8

D65 = (0.3127, 0.3290)
ILLUMINANT_C = (0.310, 0.316)
EQUAL_ENERGY = (1 / 3, 1 / 3)
# Chromaticities (x, y) of red, green, blue and white. SMPTE 431's white is greenish; here it has
# D65, so that greys are neutral. SMPTE-C and reserved primaries count as BT.709, as in Chromium.
Primaries = tuple[
    tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]
]
BT709: Primaries = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65)
P3: Primaries = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65)
BT2020: Primaries = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65)
PRIMARIES: dict[str, Primaries] = {
    "bt470m": ((0.670, 0.330), (0.210, 0.710), (0.140, 0.080), ILLUMINANT_C),
    "bt470bg": ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), D65),
    "film": ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), ILLUMINANT_C),
    "bt2020": BT2020,
    "smpte428": ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), EQUAL_ENERGY),
    "smpte431": P3,
    "smpte432": P3,
    "jedec-p22": ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
    "ebu3213": ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def _srgb_to_linear(v: Floats) -> Floats:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _linear_to_srgb(v: Floats) -> Floats:
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * np.maximum(v, 0.0) ** (1 / 2.4) - 0.055)


def _pq_to_linear(v: Floats) -> Floats:
    """Convert PQ levels (SMPTE ST 2084) to light; 1 is HDR reference white."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    p = v ** (1 / m2)
    nits = PQ_PEAK_NITS * (np.maximum(p - c1, 0) / (c2 - c3 * p)) ** (1 / m1)
    return np.asarray(nits / HDR_WHITE_NITS)


def _hlg_to_linear(v: Floats) -> Floats:
    """Convert HLG levels (ARIB STD-B67) to light on a display of 1000 cd/m2; 1 is reference white.

    BT.2100 applies HLG_GAMMA to the luminance. Here, as in zimg, it is applied to each channel,
    which gives the same greys. Most HLG files that ffmpeg writes were converted by zimg.
    """
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(v <= 0.5, v**2 / 3, (np.exp((v - c) / a) + b) / 12)
    return np.asarray(HLG_PEAK_NITS / HDR_WHITE_NITS * scene**HLG_GAMMA)


def _power(exponent: float) -> Callable[[Floats], Floats]:
    return lambda v: np.asarray(v**exponent)


Curve = Callable[[Floats], Floats]
# The gamma of a BT.1886 display, for curves without an entry in CURVES. Players show their levels
# unchanged, as if they were sRGB's. The gamma matters only if primaries are converted: levels are
# converted to light and back with the same curve, so that greys stay the same.
VIDEO_GAMMA = 2.4
SRGB = "iec61966-2-1"
# Curves that differ from sRGB's so much that every level has to be converted.
CURVES: dict[str, Curve] = {
    "bt470m": _power(2.2),
    "bt470bg": _power(2.8),
    "linear": lambda v: v,
    "log100": lambda v: np.where(v > 0, 10 ** ((v - 1) * 2), 0.0),
    "log316": lambda v: np.where(v > 0, 10 ** ((v - 1) * 2.5), 0.0),
    "smpte428": lambda v: np.asarray(v**2.6 * 52.37 / 48),
    "smpte2084": _pq_to_linear,
    "arib-std-b67": _hlg_to_linear,
}
HDR_CURVES = {"smpte2084", "arib-std-b67"}

# Matrices that ffmpeg's scaler knows.
MATRICES = {"bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "bt2020nc"}
# Matrices that only zscale knows.
ZSCALE_MATRICES = {"ycgco", "bt2020c", "chroma-derived-nc", "chroma-derived-c", "ictcp"}
# Matrices that neither filter supports, with their names for users.
UNKNOWN_MATRICES = {
    "ycgco-re": "YCgCo-R",
    "ycgco-ro": "YCgCo-R",
    "smpte2085": "SMPTE 2085",
    "ipt-c2": "IPT-PQ-C2",
}
_EIGHT_BIT_420 = {"yuv420p", "yuvj420p", "yuva420p", "nv12", "nv21"}


@dataclass(frozen=True, kw_only=True)
class Colour:
    """A stream's pixel format and colour tags, as ffmpeg names them; "" for a missing tag."""

    pixel_format: str = ""
    range: str = ""
    matrix: str = ""
    primaries: str = ""
    curve: str = ""

    @property
    def is_hdr(self) -> bool:
        """Return whether the stream has a PQ or HLG curve and has to be tone-mapped."""
        return self.curve in HDR_CURVES

    @property
    def is_yuv(self) -> bool:
        """Return whether the pixel format consists of luma and chroma."""
        return self.pixel_format.startswith(("yuv", "nv", "p0", "p2", "p4", "uyvy", "yuyv", "y2"))

    @property
    def depth(self) -> int:
        """Return the bits per channel, as the pixel format's name says; 8 if it says none."""
        numbers = re.findall(r"\d+", self.pixel_format)
        deep = [int(n) for n in numbers if n in ("9", "10", "12", "14", "16")]
        return deep[-1] if deep else 16 if {"48", "64"} & set(numbers) else 8

    @property
    def needs_levels(self) -> bool:
        """Return whether limited levels must be expanded here because ffmpeg's scaler does not.

        It takes grey and planar RGB for full range, whatever their tag.
        """
        return self.range == "tv" and self.pixel_format.startswith(("gray", "gbr"))

    @property
    def needs_table(self) -> bool:
        """Return whether the curve or the primaries have to be converted with tables."""
        return self.curve in CURVES or self.primaries in PRIMARIES

    @property
    def needs_zscale(self) -> bool:
        """Return whether only zscale supports the matrix."""
        return self.matrix in ZSCALE_MATRICES

    @property
    def is_converted(self) -> bool:
        """Return whether any conversion is needed that ffmpeg's scaler does not do by itself."""
        return self.needs_table or self.needs_zscale or self.needs_levels


def read(colour: Colour) -> Colour:
    """Return the tags to decode the stream with: impossible ones corrected, missing ones completed.

    8-bit 4:2:0 with a matrix that its primaries or curve exclude is decoded as BT.709, as in
    Chromium, because encoders write such tags by mistake. Raises UnsupportedCodecError for
    UNKNOWN_MATRICES.
    """
    matrix, primaries, curve = colour.matrix, colour.primaries, colour.curve
    if not colour.is_yuv:
        return _replaced(colour, matrix="")
    if name := UNKNOWN_MATRICES.get(matrix):
        raise UnsupportedCodecError(f"colours in {name}", detail=matrix)
    is_plain = colour.pixel_format in _EIGHT_BIT_420 and not colour.is_hdr
    excluded = {
        "ycgco": True,
        "ictcp": True,
        "bt2020c": primaries != "bt2020",
        "chroma-derived-c": primaries not in PRIMARIES,
    }
    if is_plain and excluded.get(matrix):
        return _replaced(colour, matrix="bt709", primaries="bt709", curve="bt709")
    if matrix.startswith("chroma-derived") and primaries not in PRIMARIES:
        return _replaced(colour, matrix="bt709")
    if matrix == "bt2020c" and primaries != "bt2020":
        return _replaced(colour, matrix="bt2020nc")
    if colour.needs_table and matrix not in MATRICES | ZSCALE_MATRICES:
        is_2020 = primaries == "bt2020" or (colour.is_hdr and primaries not in PRIMARIES)
        matrix = "bt2020nc" if is_2020 else "bt709"
    if colour.is_hdr and primaries not in PRIMARIES and primaries != "bt709":
        primaries = "bt2020"
    return _replaced(colour, matrix=matrix, primaries=primaries, curve=curve)


def _replaced(
    colour: Colour, *, matrix: str, primaries: str | None = None, curve: str | None = None
) -> Colour:
    return Colour(
        pixel_format=colour.pixel_format,
        range=colour.range,
        matrix=matrix,
        primaries=colour.primaries if primaries is None else primaries,
        curve=colour.curve if curve is None else curve,
    )


def _to_xyz(primaries: Primaries) -> Floats:
    """Return the matrix (3, 3) float64 from linear RGB to XYZ; Y of the white point is 1."""

    def xyz(point: tuple[float, float]) -> Floats:
        x, y = point
        return np.array([x, y, 1 - x - y])

    red, green, blue, white = primaries
    columns = np.stack([xyz(red), xyz(green), xyz(blue)], axis=1)
    return np.asarray(columns * np.linalg.solve(columns, xyz(white) / white[1]))


def _to_bt709(primaries: Primaries) -> Floats:
    """Return the matrix (3, 3) float64 from linear RGB of `primaries` to that of BT.709.

    White stays white (Bradford adaptation).
    """
    ours = _to_xyz(BT709)
    theirs = _to_xyz(primaries)
    gain = BRADFORD @ ours.sum(axis=1) / (BRADFORD @ theirs.sum(axis=1))
    adapt = np.linalg.inv(BRADFORD) @ np.diag(gain) @ BRADFORD
    return np.asarray(np.linalg.inv(ours) @ adapt @ theirs)


def _compressed(light: Floats, *, peak: float) -> Floats:
    """Compress linear light (n, 3) with BT.709's primaries from 0..`peak` to 0..1.

    All channels of a colour are scaled by the same factor, so that its hue stays. The factor
    depends on the largest channel in BT.2020's primaries: up to KNEE it is 1; above, the curve
    rises monotonically to 1 at `peak`, with a continuous slope at KNEE.
    """
    largest = (light @ np.linalg.inv(_to_bt709(BT2020)).T).max(axis=1)
    above = np.clip(largest, KNEE, peak)
    way = np.log(above / KNEE) / np.log(peak / KNEE)
    steepness = KNEE * np.log(peak / KNEE) / (1 - KNEE)
    target = KNEE + (1 - KNEE) * steepness * way / (1 + (steepness - 1) * way)
    scale = np.where(largest > KNEE, target / np.maximum(largest, KNEE), 1.0)
    return np.asarray(light * scale[:, None])


def fit_gamut(light: Floats) -> Floats:
    """Return linear BT.709 light (n, 3) in 0..1 by reducing OKLab's chroma; the hue stays."""
    out = ((light < 0) | (light > 1)).any(axis=1)
    if not out.any():
        return light
    lab = np.cbrt(light[out] @ TO_LMS.T) @ TO_LAB.T
    lab[:, 0] = np.clip(lab[:, 0], 0, 1)
    low, high = np.zeros(len(lab)), np.ones(len(lab))
    for _ in range(GAMUT_STEPS):
        middle = (low + high) / 2
        rgb = _from_lab(lab, middle)
        inside = ((rgb >= 0) & (rgb <= 1)).all(axis=1)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    fitted = light.copy()
    fitted[out] = np.clip(_from_lab(lab, low), 0, 1)
    return fitted


def _from_lab(lab: Floats, share: Floats) -> Floats:
    """Return linear BT.709 light (n, 3) of OKLab colours with a `share` (n,) of their chroma."""
    less = np.stack([lab[:, 0], lab[:, 1] * share, lab[:, 2] * share], axis=1)
    return np.asarray((less @ FROM_LAB.T) ** 3 @ FROM_LMS.T)


def light_of(levels: Floats, *, primaries: str, curve: str) -> Floats:
    """Convert R'G'B' levels (n, 3) in 0..1 to linear light (n, 3) with BT.709's primaries.

    White is 1; HDR light is compressed. Colours outside BT.709's gamut have values below 0 or above
    1.
    """
    own = PRIMARIES.get(primaries, BT709)
    light = np.asarray(_curve_of(curve)(levels) @ _to_bt709(own).T)
    if curve not in HDR_CURVES:
        return light
    peak_nits = PQ_PEAK_NITS if curve == "smpte2084" else HLG_PEAK_NITS
    return _compressed(light, peak=peak_nits / HDR_WHITE_NITS)


def _curve_of(curve: str) -> Curve:
    if curve == SRGB:
        return _srgb_to_linear
    return CURVES.get(curve, _power(VIDEO_GAMMA))


def _grid(axis: Floats) -> Floats:
    """Return all combinations (n, 3) of the axis's values as R, G, B, in haldclut's order."""
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack([red.ravel(), green.ravel(), blue.ravel()], axis=1)


def _hald(colours: Floats) -> bytes:
    """Return colours (n, 3) in 0..1 as haldclut's picture: planar little-endian 16-bit G, B, R."""
    words = np.rint(np.clip(colours, 0, 1) * 65535).astype("<u2")
    return words.T.tobytes()


def light_table(*, primaries: str, curve: str) -> bytes:
    """Return the first table for haldclut, from levels to light (see `light_of`)."""
    levels = _grid(np.linspace(0, 1, LIGHT_LEVEL**2))
    light = light_of(levels, primaries=primaries, curve=curve)
    return _hald((BLACK_WORD + (WHITE_WORD - BLACK_WORD) * light) / 65535)


def curve_expression(curve: str) -> str:
    """Return lutrgb's expression of the second table, from light to the third table's levels."""
    light = f"st(0,(val-{BLACK_WORD})/{WHITE_WORD - BLACK_WORD})"
    size = "abs(ld(0))"
    if curve in CURVES or curve == SRGB:
        level = f"if(lte({size},0.0031308),12.92*{size},1.055*pow({size},1/2.4)-0.055)"
    else:
        level = f"pow({size},1/{VIDEO_GAMMA})"
    points = f"{GAMUT_ZERO}+{GAMUT_ONE - GAMUT_ZERO}*sgn(ld(0))*{level}"
    return f"{light};clip(({points})/{GAMUT_LEVEL**2 - 1},0,1)*65535"


def gamut_table() -> bytes:
    """Return the third table for haldclut, from extended sRGB levels to those within 0..1."""
    points = np.arange(GAMUT_LEVEL**2, dtype=np.float64)
    levels = _grid((points - GAMUT_ZERO) / (GAMUT_ONE - GAMUT_ZERO))
    light = np.sign(levels) * _srgb_to_linear(np.abs(levels))
    return _hald(_linear_to_srgb(fit_gamut(light)))


@functools.lru_cache(maxsize=4)
def _light_file(primaries: str, curve: str) -> NamelessFile:
    return NamelessFile([light_table(primaries=primaries, curve=curve)])


@functools.cache
def _gamut_file() -> NamelessFile:
    return NamelessFile([gamut_table()])


def tag_filters(colour: Colour) -> list[str]:
    """Return the filter that gives frames a matrix tag which ffmpeg's scaler accepts.

    The file's tag takes precedence over the stream's, as in players. If zscale converts the matrix,
    the scaler must not: then its input and output are both tagged as BT.709.
    """
    if not colour.is_yuv:
        return []
    if colour.is_converted:
        return ["setparams=colorspace=bt709"]
    return [f"setparams=colorspace={colour.matrix}"] if colour.matrix in MATRICES else []


def plane_filters(colour: Colour, *, has_alpha: bool = False) -> list[str]:
    """Return the filters that convert the scaler's output to full-range planar RGB with 16 bits.

    The scaler only converts to 4:4:4, and zscale does the rest: the scaler refuses some matrices,
    and expands 8-bit full range to 16 bits without reaching the maximum.
    """
    alpha = "a" if has_alpha else ""
    depth = colour.depth if colour.range == "pc" or not colour.is_yuv else 16
    bits = "" if depth == 8 else f"{depth}le"
    if not colour.is_yuv:
        return [
            f"format=gbr{alpha}p{bits}",
            "zscale=m=gbr:r=pc",
            f"format=gbr{alpha}p16le",
            *([_expansion()] if colour.needs_levels else []),
        ]
    # Primaries and curve are not converted here. Matrices that apply to linear light depend on
    # them.
    primaries = colour.primaries if colour.primaries in PRIMARIES else "bt709"
    curve = colour.curve if colour.needs_zscale and colour.curve in CURVES else "bt709"
    limits = "pc" if colour.range == "pc" else "tv"
    source = f"min={colour.matrix}:pin={primaries}:tin={curve}:rin={limits}"
    return [
        f"format=yuv{alpha}444p{bits}",
        f"zscale={source}:m=gbr:p={primaries}:t={curve}:r=pc",
        f"format=gbr{alpha}p16le",
    ]


def _expansion() -> str:
    """Return the filter that expands planar RGB from limited to full range."""
    limits = (f"{c}imin=16/255:{c}imax=235/255" for c in "rgb")
    return f"colorlevels={':'.join(limits)}"


def table_filters(colour: Colour) -> list[str]:
    """Return the filters that convert planar RGB with 16 bits to sRGB with the three tables."""
    if not colour.needs_table:
        return []
    curve = curve_expression(colour.curve)
    return [
        _look_up(_light_file(colour.primaries, colour.curve), LIGHT_LEVEL, "light"),
        f"lutrgb=r='{curve}':g='{curve}':b='{curve}'",
        _look_up(_gamut_file(), GAMUT_LEVEL, "gamut"),
    ]


def _look_up(table: NamelessFile, level: int, name: str) -> str:
    """Return a part of a filter chain that applies the table."""
    side = level**3
    options = f"pixel_format=gbrp16le\\\\:video_size={side}x{side}"
    movie = f"movie=filename={table.path}:f=rawvideo:format_opts={options}"
    return f"null[to-{name}];{movie}[{name}];[to-{name}][{name}]haldclut=clut=first"
