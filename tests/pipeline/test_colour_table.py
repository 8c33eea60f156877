"""Every tagged combination of primaries, curve, matrix, range, depth and alpha shows its colours.

The chart is written by zscale, in other arithmetic than the tables of colour.py. Two tables of two
factors and a range run with every second range, so that each pair of values meets; of primaries and
curves, which are applied one after the other, a third runs. --long runs all combinations.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from converter.pipeline.colours import TO_LAB, TO_LMS
from converter.pipeline.errors import UnsupportedCodecError
from converter.pipeline.profile import ConversionProfile
from converter.pipeline.source import colour
from converter.pipeline.source.colour import Colour, read
from tests.support.decoding import opened

PROFILE = ConversionProfile(width=128, height=72, fps=24, seconds=1)
CHART = (
    [(255, 255, 255), (128, 128, 128), (0, 0, 0), (200, 40, 40)],
    [(32, 160, 48), (30, 50, 200), (40, 180, 190), (190, 50, 170)],
    [(220, 200, 40), (224, 172, 140), (230, 130, 30), (60, 80, 60)],
)
PATCHES = np.array(CHART).reshape(-1, 3)
SOURCE = (
    "color=black:s=128x72:r=24:d=0.1,format=gbrp,"
    + ",".join(
        f"drawbox=x={32 * x}:y={24 * y}:w=32:h=24:color=0x{r:02x}{g:02x}{b:02x}:t=fill"
        for y, row in enumerate(CHART)
        for x, (r, g, b) in enumerate(row)
    )
    + ",format=gbrp"
)
HDR = ("smpte2084", "arib-std-b67")
# Curves that are read and written alike: the chart's levels stay what they are.
VIDEO = ("bt709", "smpte170m", "bt2020-10")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0")


@dataclass(frozen=True)
class Tags:
    """The tags and the encoding of a chart."""

    primaries: str = "bt709"
    curve: str = "bt709"
    matrix: str = "bt709"
    range: str = "tv"
    pixels: str = "yuv444p10le"

    def __str__(self) -> str:
        parts = (self.primaries, self.curve, self.matrix, self.range, self.pixels)
        return "-".join(parts)

    @property
    def filters(self) -> str:
        """From the chart to the encoder's pixels. smpte431 is written with a white of D65."""
        read = "bt709" if self.curve in VIDEO else "iec61966-2-1"
        curve = "bt709" if self.curve in VIDEO else self.curve
        primaries = "smpte432" if self.primaries == "smpte431" else self.primaries
        target = f"p={primaries}:t={curve}:m={self.matrix}:r={self.range}:npl=203"
        tags = f"range={self.range}:color_primaries={self.primaries}:color_trc={self.curve}"
        return (
            f"zscale=min=gbr:pin=bt709:tin={read}:rin=pc:{target},format={self.pixels},"
            f"setparams={tags}:colorspace={self.matrix}"
        )

    @property
    def options(self) -> tuple[str, ...]:
        names = ("-color_primaries", "-color_trc", "-colorspace", "-color_range")
        matrix = "rgb" if self.matrix == "gbr" else self.matrix
        values = (self.primaries, self.curve, matrix, self.range)
        return tuple(part for pair in zip(names, values, strict=True) for part in pair)


def write(clips, tags: Tags, *codec: str, suffix: str = "mp4") -> Path:
    codec = codec or ("-vf", tags.filters, *X264, *tags.options)
    return clips(f"chart.{suffix}", "-f", "lavfi", "-i", SOURCE, *codec)


def patches(path: Path) -> np.ndarray:
    """Return the colours of the chart's patches, (12, 3)."""
    with opened(path, PROFILE) as shown:
        picture = next(shown).astype(float)
    return np.array(
        [
            picture[24 * y + 8 : 24 * y + 16, 32 * x + 10 : 32 * x + 22].mean(axis=(0, 1))
            for y in range(3)
            for x in range(4)
        ]
    )


def assert_chart(path: Path, *, is_hdr: bool = False, within: float = 4) -> None:
    found = patches(path)
    wrong = np.abs(found - PATCHES).max(axis=1)
    if is_hdr:  # white is compressed to make room for what is brighter
        assert 225 <= found[0].min() <= found[0].max() <= 240
        assert np.ptp(found[0]) <= 2
        wrong[0] = 0
    assert wrong.max() <= within, list(zip(PATCHES.tolist(), found.round(1).tolist(), strict=True))


def table(*factors: list, every: int) -> list:
    """Return all combinations; only those whose indices' sum is a multiple of `every` always run.

    The others need --long.
    """
    return [
        pytest.param(
            *(factor[index] for factor, index in zip(factors, indices, strict=True)),
            marks=pytest.mark.long if sum(indices) % every else (),
        )
        for indices in itertools.product(*(range(len(factor)) for factor in factors))
    ]


PRIMARIES = ["bt709", "smpte432", "smpte431", "bt2020", "bt470bg"]
CURVES = ["bt709", "iec61966-2-1", "smpte2084", "arib-std-b67", "bt470m", "bt470bg", "bt2020-10"]


@pytest.mark.parametrize(("primaries", "curve"), table(PRIMARIES, CURVES, every=3))
def test_primaries_and_curve(clips, primaries, curve):
    tags = Tags(primaries=primaries, curve=curve)
    assert_chart(write(clips, tags), is_hdr=curve in HDR)


MATRICES = [
    "bt709", "smpte170m", "bt470bg", "smpte240m", "fcc", "bt2020nc", "ycgco", "chroma-derived-nc",
]  # fmt: skip


@pytest.mark.parametrize(
    ("matrix", "curve", "range_"),
    table(MATRICES, ["bt709", "iec61966-2-1", "smpte2084"], ["tv", "pc"], every=2),
)
def test_matrix_and_range(clips, matrix, curve, range_):
    primaries = "smpte432" if curve == "iec61966-2-1" else "bt2020" if curve in HDR else "bt709"
    tags = Tags(primaries=primaries, curve=curve, matrix=matrix, range=range_)
    assert_chart(write(clips, tags), is_hdr=curve in HDR)


@pytest.mark.parametrize("range_", ["tv", "pc"])
@pytest.mark.parametrize(
    ("primaries", "curve", "matrix"),
    [
        ("bt2020", "bt2020-10", "bt2020c"),
        ("bt2020", "smpte2084", "ictcp"),
        ("bt2020", "arib-std-b67", "ictcp"),
        ("bt2020", "bt2020-10", "chroma-derived-c"),
        ("smpte432", "bt709", "chroma-derived-c"),
    ],
)
def test_matrices_of_linear_light(clips, primaries, curve, matrix, range_):
    tags = Tags(primaries=primaries, curve=curve, matrix=matrix, range=range_)
    assert_chart(write(clips, tags), is_hdr=curve in HDR, within=6)


PIXELS = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le"]
COLOURS = [
    ("bt709", "bt709", "bt709"),
    ("smpte432", "iec61966-2-1", "smpte170m"),
    ("bt2020", "bt709", "bt2020nc"),
    ("bt2020", "arib-std-b67", "bt2020nc"),
    ("smpte432", "smpte2084", "bt709"),
]


@pytest.mark.parametrize(
    ("colours", "pixels", "range_"), table(COLOURS, PIXELS, ["tv", "pc"], every=2)
)
def test_depth_and_subsampling(clips, colours, pixels, range_):
    """In 8 bits one level of PQ or of wide primaries is up to four of sRGB's."""
    primaries, curve, matrix = colours
    tags = Tags(primaries, curve, matrix, range_, pixels)
    within = 4 if pixels.endswith("le") else 8
    assert_chart(write(clips, tags), is_hdr=curve in HDR, within=within)


@pytest.mark.parametrize(
    ("matrix", "primaries", "curve"),
    [(10, 1, 1), (12, 1, 1), (13, 1, 1), (14, 9, 14), (8, 2, 2), (3, 1, 1), (200, 1, 1)],
)
def test_an_impossible_tag_is_decoded_as_bt709(clips, matrix, primaries, curve):
    """8-bit 4:2:0 that encoders tag by mistake. Chromium shows it so. Reserved matrices too."""
    tagged = f"matrix_coefficients={matrix}:colour_primaries={primaries}"
    tagged += f":transfer_characteristics={curve}"
    tags = Tags(pixels="yuv420p", matrix="smpte170m" if matrix in (3, 200) else "bt709")
    # Without colours of its own the muxer writes no `colr` box, which would win over the stream.
    untagged = "setparams=colorspace=unknown:color_primaries=unknown:color_trc=unknown"
    codec = (*X264, "-bsf:v", f"h264_metadata={tagged}")
    path = write(clips, tags, "-vf", f"{tags.filters},{untagged}", *codec)
    assert b"colr" not in path.read_bytes()
    assert_chart(path, within=8)


@pytest.mark.parametrize(("primaries", "curve"), [("bt709", "bt709"), ("smpte432", "iec61966-2-1")])
@pytest.mark.parametrize("range_", ["tv", "pc"])
def test_rgb(clips, primaries, curve, range_):
    tags = Tags(primaries, curve, "gbr", range_, "gbrp")
    codec = ("-c:v", "libx264rgb", "-preset", "ultrafast", "-qp", "0", *tags.options)
    full = f"h264_metadata=video_full_range_flag={int(range_ == 'pc')}"
    levels = "colorlevels=" + ":".join(f"{c}omin=16/255:{c}omax=235/255" for c in "rgb")
    filters = f"{Tags(primaries, curve, 'gbr', 'pc', 'gbrp').filters},format=rgb24"
    filters += f",{levels},setparams=range=tv" if range_ == "tv" else ""
    assert_chart(write(clips, tags, "-vf", filters, *codec, "-bsf:v", full))


@pytest.mark.parametrize("pixels", ["gray", "gray10le"])
@pytest.mark.parametrize("range_", ["tv", "pc"])
def test_monochrome_hevc(clips, range_, pixels):
    """ffmpeg's scaler takes grey for full range, whatever the frame's tag."""
    full = int(range_ == "pc")
    word = "full" if full else "limited"
    tags = Tags(range=range_, pixels="yuv444p10le")
    grey = "extractplanes=y,format=" + pixels
    codec = ("-c:v", "libx265", "-x265-params", f"log-level=error:lossless=1:range={word}")
    bits = f"hevc_metadata=video_full_range_flag={full}"
    path = write(
        clips, tags, "-vf", f"{tags.filters},{grey}", *codec, "-tag:v", "hvc1", "-bsf:v", bits
    )
    found = patches(path)
    assert found[:3, 0] == pytest.approx([255, 128, 0], abs=3)
    assert np.ptp(found, axis=1).max() <= 1


@pytest.mark.parametrize(
    ("primaries", "curve", "matrix"),
    [
        ("bt709", "bt709", "bt709"),
        ("smpte432", "bt709", "bt709"),
        ("bt2020", "smpte2084", "bt2020nc"),
        ("bt2020", "arib-std-b67", "bt2020nc"),
    ],
)
def test_alpha_is_composited_on_black_whatever_the_colours(clips, primaries, curve, matrix):
    """The left quarter is transparent, the next one is half transparent."""
    tags = Tags(primaries, curve, matrix, "tv", "yuv444p10le")
    opacity = "1023*min(1,floor(X/32)/2)"
    alpha = f"format=yuva444p10le,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='{opacity}'"
    codec = ("-c:v", "prores_ks", "-profile:v", "4444", "-alpha_bits", "16", *tags.options)
    clip = write(clips, tags, "-vf", f"{tags.filters},{alpha}", *codec, suffix="mov")
    found = patches(clip)
    column = np.arange(12) % 4
    assert found[column == 0].max() <= 1
    half = PATCHES[column == 1] / 2
    if curve in HDR:  # half of the signal is less than half of the light
        assert (found[column == 1] <= half + 6).all()
    else:
        assert np.abs(found[column == 1] - half).max() <= 6
    assert np.abs(found - PATCHES)[column > 1].max() <= 6


@pytest.mark.parametrize("curve", HDR)
def test_hdr_greys_stay_neutral_and_rise_to_the_end(clips, curve):
    """32 steps from black to the brightest signal."""
    ramp = "geq=lum='64+floor(X/4)*876/31':cb=512:cr=512"
    tags = Tags("bt2020", curve, "bt2020nc", "tv", "yuv444p10le")
    source = "nullsrc=s=128x72:r=24:d=0.1,format=yuv444p10le," + ramp
    path = clips("ramp.mp4", "-f", "lavfi", "-i", source, *X264, *tags.options)
    with opened(path, PROFILE) as shown:
        picture = next(shown).astype(float)
    steps = np.array([picture[:, 4 * n + 1 : 4 * n + 3].mean(axis=(0, 1)) for n in range(32)])
    assert np.ptp(steps, axis=1).max() <= 2
    assert (np.diff(steps.mean(axis=1)) > 0).all()
    assert steps[0].max() == 0
    assert steps[-1].min() >= 254


def oklab_hue(levels: np.ndarray) -> np.ndarray:
    """Return the OKLab hue, in degrees, of sRGB levels (n, 3) in 0..255."""
    v = levels / 255
    light = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    lab = np.cbrt(light @ TO_LMS.T) @ TO_LAB.T
    return np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))


@pytest.mark.parametrize("curve", HDR)
@pytest.mark.parametrize("times", [1, 2, 4])
def test_hdr_hues_are_kept_above_reference_white(clips, curve, times):
    tags = Tags("bt2020", curve, "bt2020nc", "tv", "yuv444p10le")
    brighter = tags.filters.replace("npl=203", f"npl={203 * times}")
    path = write(clips, tags, "-vf", brighter, *X264, *tags.options)
    coloured = np.ptp(PATCHES, axis=1) > 40
    turned = oklab_hue(patches(path)[coloured]) - oklab_hue(PATCHES[coloured])
    assert np.abs((turned + 180) % 360 - 180).max() <= 8


def test_colours_outside_srgb_keep_their_hue():
    """The corners of BT.2020, by the tables alone."""
    corners = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1)], float)
    light = colour.light_of(corners, primaries="bt2020", curve="bt709")
    fitted = colour.fit_gamut(light)
    assert fitted.min() >= 0
    assert fitted.max() <= 1

    def hue(rgb):
        lab = np.cbrt(rgb @ TO_LMS.T) @ TO_LAB.T
        return np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))

    assert hue(fitted) == pytest.approx(hue(light), abs=1)


@pytest.mark.parametrize("matrix", ["ycgco-re", "ycgco-ro", "smpte2085", "ipt-c2"])
def test_an_unsupported_matrix_is_refused_by_name(matrix):
    tagged = Colour(pixel_format="yuv444p10le", matrix=matrix, primaries="bt709", curve="bt709")
    with pytest.raises(
        UnsupportedCodecError, match=r"colours in .*which Chromi can't read.*H\.264"
    ):
        read(tagged)
