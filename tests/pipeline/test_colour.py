"""HDR and wide-gamut clips are converted to sRGB."""

import pytest

from converter.pipeline.profile import ConversionProfile
from tests.support.decoding import first_frame, opened


@pytest.mark.parametrize(
    ("transfer", "signal"),
    # The code value of HDR reference white, 203 cd/m2, in each transfer (BT.2408, table 1).
    [("arib-std-b67", 0.75), ("smpte2084", 0.58)],
)
def test_hdr_white_becomes_nearly_white_and_grey_stays_grey(clips, transfer, signal):
    y = round(64 + 876 * signal)
    colour = f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    path = clips(
        f"{transfer}.mp4",
        *(
            "-f",
            "lavfi",
            "-i",
            f"nullsrc=s=160x90:r=24:d=0.2,format=yuv420p10le,geq=lum={y}:cb=512:cr=512",
        ),
        *("-c:v", "libx265", "-x265-params", f"log-level=error:{colour}"),
        *("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc"),
    )
    pixel = first_frame(path)[45, 80].astype(int)
    assert pixel.max() - pixel.min() <= 4
    assert 200 <= pixel.mean() <= 250


def test_an_hdr_colour_keeps_its_hue_and_saturation(clips):
    """A BT.709 green below the tone-mapped range, encoded in BT.2020, where it has fewer levels."""
    to_hdr = (
        "zscale=min=gbr:tin=iec61966-2-1:pin=bt709:"
        "m=bt2020nc:p=bt2020:t=arib-std-b67:r=tv:npl=203,"
        "format=yuv420p10le"
    )
    path = clips(
        "green.mp4",
        *("-f", "lavfi", "-i", f"color=0x207030:s=160x90:r=24:d=0.2,format=gbrp,{to_hdr}"),
        *("-c:v", "libx265", "-x265-params", "log-level=error:colorprim=bt2020"),
        *("-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc"),
    )
    assert first_frame(path)[45, 80].tolist() == pytest.approx([0x20, 0x70, 0x30], abs=6)


@pytest.mark.parametrize(
    ("transfer", "primaries", "matrix"),
    [("arib-std-b67", "bt2020", "bt2020nc"), ("bt709", "smpte432", "bt709")],
)
def test_an_upright_clip_is_shown_whole_between_bars(clips, transfer, primaries, matrix):
    """In 90 rows the picture is 51 px wide, and zscale needs whole chroma samples."""
    tags = f"setparams=color_primaries={primaries}:color_trc={transfer}:colorspace={matrix}"
    source = "color=red:s=90x160:r=24:d=0.2,format=yuv420p," + tags
    path = clips(f"upright-{transfer}.mov", "-f", "lavfi", "-i", source)
    assert first_frame(path, fit="contain")[45, 80, 0] > 150
    odd = ConversionProfile(width=161, height=91, fps=24, seconds=1)  # as in a large theme
    with opened(path, odd, fit="contain") as shown:
        assert next(shown)[45, 80, 0] > 150


@pytest.mark.parametrize(("primaries", "matrix"), [("bt2020", "bt2020nc"), ("smpte432", "bt709")])
def test_a_wide_gamut_green_keeps_its_hue_and_saturation(clips, primaries, matrix):
    """A BT.709 green encoded in wider primaries, where it has fewer levels."""
    to_wide = f"zscale=min=gbr:tin=bt709:pin=bt709:m={matrix}:p={primaries}:t=bt709:r=tv"
    tags = ["-color_primaries", primaries, "-color_trc", "bt709", "-colorspace", matrix]
    path = clips(
        f"wide-{primaries}.mp4",
        *("-f", "lavfi", "-i", "color=0x20a030:s=160x90:r=24:d=0.2,format=gbrp," + to_wide),
        *("-pix_fmt", "yuv420p", *tags),
    )
    assert first_frame(path)[45, 80].tolist() == pytest.approx([0x20, 0xA0, 0x30], abs=4)


@pytest.mark.parametrize(
    ("primaries", "matrix", "levels"),
    [("smpte432", "smpte170m", "tv"), ("smpte432", "bt470bg", "tv"), ("smpte432", "bt709", "pc")],
)
def test_a_wide_gamut_clip_is_converted_with_its_own_matrix_and_range(
    clips, primaries, matrix, levels
):
    name = {"smpte170m": "170m", "bt470bg": "470bg", "bt709": "709"}[matrix]
    to_wide = f"zscale=min=gbr:tin=bt709:pin=bt709:m={name}:p={primaries}:t=bt709:r={levels}"
    tags = ["-color_primaries", primaries, "-color_trc", "bt709", "-colorspace", matrix]
    path = clips(
        f"wide-{matrix}-{levels}.mp4",
        *("-f", "lavfi", "-i", "color=0x60a070:s=160x90:r=24:d=0.2,format=gbrp," + to_wide),
        *("-pix_fmt", "yuv420p", "-color_range", levels, *tags),
    )
    assert first_frame(path)[45, 80].tolist() == pytest.approx([0x60, 0xA0, 0x70], abs=4)
