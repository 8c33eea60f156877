"""How a source's code values become sRGB: by its matrix, range, curve and primaries.

Most sources need nothing: BT.709's primaries and curve are shown as they are. For all others ffmpeg
looks each fitted picture's R'G'B' levels up in tables that are computed here (haldclut, lutrgb):

1. levels to BT.709's linear light, which may be negative or above 1; HDR is compressed;
2. linear light to sRGB's curve, extended to both sides;
3. what lies outside of sRGB's gamut to the nearest colour of the same hue and lightness.

In one table the first and the last step would be wrong by 10 levels near the gamut's borders,
which lie anywhere in it. In the third table they lie on its points: colours within sRGB are exact.
The numbers are those of ITU-T H.273, BT.2100 and IEC 61966-2-1.
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
# What is darker than this share of reference white keeps its level; the rest is compressed.
KNEE = 0.6
# Tables of LEVEL^2 points on each axis: haldclut takes them as pictures of LEVEL^3 pixels a side.
LIGHT_LEVEL, GAMUT_LEVEL = 8, 6
# The first table's words for black and white. BT.2020's corners are at -0.59 and 1.66.
BLACK_WORD, WHITE_WORD = 17_000, 45_500
# The gamut table's points for sRGB levels 0 and 1; the others are as far apart from these.
GAMUT_ZERO, GAMUT_ONE = 12, 28
# Steps of the search for the strongest chroma that sRGB can show: 1/256 of the source's.
GAMUT_STEPS = 8

D65 = (0.3127, 0.3290)
ILLUMINANT_C = (0.310, 0.316)
EQUAL_ENERGY = (1 / 3, 1 / 3)
# Chromaticities of red, green and blue, and of white. SMPTE 431's white is greenish; its greys are
# shown neutral, as Display P3's are. SMPTE-C and reserved primaries are shown as BT.709, as in
# Chromium.
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
    """SMPTE ST 2084, in shares of HDR reference white."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    p = v ** (1 / m2)
    nits = PQ_PEAK_NITS * (np.maximum(p - c1, 0) / (c2 - c3 * p)) ** (1 / m1)
    return np.asarray(nits / HDR_WHITE_NITS)


def _hlg_to_linear(v: Floats) -> Floats:
    """ARIB STD-B67 as a display of 1000 cd/m2 shows it, in shares of HDR reference white.

    BT.2100 raises luminance to the power of HLG_GAMMA. Here each channel is raised by itself, as by
    zimg, with which nearly all HLG that ffmpeg converts was made: greys are the same.
    """
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(v <= 0.5, v**2 / 3, (np.exp((v - c) / a) + b) / 12)
    return np.asarray(HLG_PEAK_NITS / HDR_WHITE_NITS * scene**HLG_GAMMA)


def _power(exponent: float) -> Callable[[Floats], Floats]:
    return lambda v: np.asarray(v**exponent)


Curve = Callable[[Floats], Floats]
# Curves that are shown as if they were sRGB's, as every SDR player does. Their light is that of a
# BT.1886 display, which matters only where primaries are converted: the levels are written with the
# curve that they were read with, so that greys keep theirs.
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
# Matrices that nothing here can undo, by their names for users.
UNKNOWN_MATRICES = {
    "ycgco-re": "YCgCo-R",
    "ycgco-ro": "YCgCo-R",
    "smpte2085": "SMPTE 2085",
    "ipt-c2": "IPT-PQ-C2",
}
_EIGHT_BIT_420 = {"yuv420p", "yuvj420p", "yuva420p", "nv12", "nv21"}


@dataclass(frozen=True, kw_only=True)
class Colour:
    """What a stream says of its colours, in ffmpeg's words; each "" if it says nothing."""

    pixel_format: str = ""
    range: str = ""
    matrix: str = ""
    primaries: str = ""
    curve: str = ""

    @property
    def is_hdr(self) -> bool:
        """Whether the picture has to be tone-mapped to be seen in 8 bits."""
        return self.curve in HDR_CURVES

    @property
    def is_yuv(self) -> bool:
        return self.pixel_format.startswith(("yuv", "nv", "p0", "p2", "p4", "uyvy", "yuyv", "y2"))

    @property
    def depth(self) -> int:
        """Bits of a channel, of those that planar formats have."""
        numbers = re.findall(r"\d+", self.pixel_format)
        deep = [int(n) for n in numbers if n in ("9", "10", "12", "14", "16")]
        return deep[-1] if deep else 16 if {"48", "64"} & set(numbers) else 8

    @property
    def needs_levels(self) -> bool:
        """Whether limited levels have to be expanded that ffmpeg's scaler takes for full ones."""
        return self.range == "tv" and self.pixel_format.startswith(("gray", "gbr"))

    @property
    def needs_table(self) -> bool:
        """Whether curve or primaries differ from BT.709's."""
        return self.curve in CURVES or self.primaries in PRIMARIES

    @property
    def needs_zscale(self) -> bool:
        """Whether the matrix is one that ffmpeg's scaler refuses."""
        return self.matrix in ZSCALE_MATRICES

    @property
    def is_converted(self) -> bool:
        """Whether anything has to be done that ffmpeg's scaler doesn't do by itself."""
        return self.needs_table or self.needs_zscale or self.needs_levels


def read(colour: Colour) -> Colour:
    """Return the colour by which the stream is to be read: without tags that can't be true.

    8-bit 4:2:0 with the tag of a matrix that its primaries or curve exclude is BT.709: encoders
    write such tags by mistake, and Chromium shows the pictures so. Raises UnsupportedCodecError for
    a matrix that can't be undone.
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
    """Return the matrix (3, 3) from linear RGB to XYZ, the white point's Y being 1."""

    def xyz(point: tuple[float, float]) -> Floats:
        x, y = point
        return np.array([x, y, 1 - x - y])

    red, green, blue, white = primaries
    columns = np.stack([xyz(red), xyz(green), xyz(blue)], axis=1)
    return np.asarray(columns * np.linalg.solve(columns, xyz(white) / white[1]))


def _to_bt709(primaries: Primaries) -> Floats:
    """Return the matrix (3, 3) from linear RGB of `primaries` to BT.709's; white stays white."""
    ours = _to_xyz(BT709)
    theirs = _to_xyz(primaries)
    gain = BRADFORD @ ours.sum(axis=1) / (BRADFORD @ theirs.sum(axis=1))
    adapt = np.linalg.inv(BRADFORD) @ np.diag(gain) @ BRADFORD
    return np.asarray(np.linalg.inv(ours) @ adapt @ theirs)


def _compressed(light: Floats, *, peak: float) -> Floats:
    """Return BT.709's linear light (n, 3) with BT.2020's largest channel brought to 0..1.

    All three channels are scaled alike, so that no hue turns. Below KNEE nothing changes; the slope
    is continuous there, and rises everywhere above.
    """
    largest = (light @ np.linalg.inv(_to_bt709(BT2020)).T).max(axis=1)
    above = np.clip(largest, KNEE, peak)
    way = np.log(above / KNEE) / np.log(peak / KNEE)
    steepness = KNEE * np.log(peak / KNEE) / (1 - KNEE)
    target = KNEE + (1 - KNEE) * steepness * way / (1 + (steepness - 1) * way)
    scale = np.where(largest > KNEE, target / np.maximum(largest, KNEE), 1.0)
    return np.asarray(light * scale[:, None])


def fit_gamut(light: Floats) -> Floats:
    """Return linear BT.709 light (n, 3) within 0..1: OKLab's chroma is reduced, its hue kept."""
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
    """Return BT.709's linear light (n, 3) of R'G'B' levels (n, 3) 0..1; 1 is white.

    HDR's is compressed to what SDR can show. Colours beyond BT.709's are below 0 or above 1.
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
    """Return all triples of the axis's values, (n, 3) red, green, blue, in haldclut's order."""
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack([red.ravel(), green.ravel(), blue.ravel()], axis=1)


def _hald(colours: Floats) -> bytes:
    """Return colours (n, 3) 0..1 in haldclut's order as a picture: planar 16-bit G, B, R."""
    words = np.rint(np.clip(colours, 0, 1) * 65535).astype("<u2")
    return words.T.tobytes()


def light_table(*, primaries: str, curve: str) -> bytes:
    """Return the first table for haldclut: `light_of`, as words."""
    levels = _grid(np.linspace(0, 1, LIGHT_LEVEL**2))
    light = light_of(levels, primaries=primaries, curve=curve)
    return _hald((BLACK_WORD + (WHITE_WORD - BLACK_WORD) * light) / 65535)


def curve_expression(curve: str) -> str:
    """Return the second table, from light to the third table's levels, for lutrgb."""
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
    """Return the filter that gives frames a matrix tag which ffmpeg's scaler takes.

    The tag of the file is used, also where the stream in it has another one, as players do. Where
    zscale undoes the matrix the scaler must not: it is told BT.709 for input and output.
    """
    if not colour.is_yuv:
        return []
    if colour.is_converted:
        return ["setparams=colorspace=bt709"]
    return [f"setparams=colorspace={colour.matrix}"] if colour.matrix in MATRICES else []


def plane_filters(colour: Colour, *, has_alpha: bool = False) -> list[str]:
    """Return the filters from the scaler's output to full-range planar RGB of 16 bits.

    The scaler makes 4:4:4 of it and zscale the rest: the scaler refuses some matrices, and turns 8
    bits of full range into 16 without filling them.
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
    # Primaries and curve stay, and matter for those matrices only that are made of linear light.
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
    """Return the filter that expands limited levels of planar RGB."""
    limits = (f"{c}imin=16/255:{c}imax=235/255" for c in "rgb")
    return f"colorlevels={':'.join(limits)}"


def table_filters(colour: Colour) -> list[str]:
    """Return ffmpeg's filters that bring planar RGB of 16 bits to sRGB by the tables."""
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
