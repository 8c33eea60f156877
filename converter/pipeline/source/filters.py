"""Build ffmpeg's filter graphs for a decode: constant frame rate, opaque SDR, fitted."""

from collections.abc import Sequence

from converter.pipeline.profile import ConversionProfile, Selection
from converter.pipeline.source.colour import (
    plane_filters,
    table_filters,
    tag_filters,
)
from converter.pipeline.source.probe import Probe

# For a source that changes its format, at most MOST_FPS frames a second are fitted, from LEAD_S
# before the selection on.
MOST_FPS = 96
LEAD_S = 10
# The pixel format in which colours are converted: planar RGB, 16 bits.
DEEP = "gbrp16le"
# The filters for each number of quarter turns clockwise.
QUARTERS: list[list[str]] = [
    [],
    ["transpose=clock"],
    ["hflip", "vflip"],
    ["transpose=cclock"],
]
PREMULTIPLY = "premultiply=inplace=1"


def _fit_filters(probe: Probe, profile: ConversionProfile, selection: Selection) -> list[str]:
    """Return filters that scale the pictures to the profile's size; `contain` gets no bars yet."""
    w, h = profile.width, profile.height
    # These flags round more precisely, which is visible with more than 8 bits.
    flags = "bicubic+accurate_rnd+full_chroma_int" if probe.colour.is_converted else "bicubic"
    # `dar` includes the pixel aspect ratio. The rounded size is never below the frame's (cover) or
    # above it (contain).
    if selection.fit == "cover":
        return [
            *([_shorten(profile, selection)] if probe.is_strip else []),
            f"scale=w='max({w},round({h}*dar))':h='max({h},round({w}/dar))':flags={flags}",
            f"crop={w}:{h}:{_focus(selection)}",
        ]
    width, height = f"clip(round({h}*dar),1,{w})", f"clip(round({w}/dar),1,{h})"
    return [f"scale=w='{width}':h='{height}':flags={flags}"]


def _shorten(profile: ConversionProfile, selection: Selection) -> str:
    """Return the filter that crops a strip to twice its visible part before it is scaled.

    Otherwise 4000x10 px would be scaled to 288000x720 to cover 1280x720. The final crop has the
    same focus.
    """
    shape = f"{2 * profile.width}/{profile.height}"
    tall = f"{2 * profile.height}/{profile.width}"
    size = f"w='min(iw,ceil(ih*{shape}/sar))':h='min(ih,ceil(iw*sar*{tall}))'"
    return f"crop={size}:{_focus(selection)}:exact=1"


def _focus(selection: Selection) -> str:
    """Return the offsets of a crop around the focus."""
    return f"x=(iw-ow)*{selection.focus_x:.6f}:y=(ih-oh)*{selection.focus_y:.6f}"


def picture_filters(probe: Probe, *, profile: ConversionProfile, selection: Selection) -> list[str]:
    """Return the filters that convert a decoded, upright frame to fitted, opaque sRGB.

    The steps are: matrix and range to RGB, alpha composited on black, fit, curve and primaries to
    sRGB. A step that the source does not need has no filters. Opaque frames are fitted first,
    because that is less work; with alpha, colours of transparent pixels would leak into visible
    ones.
    """
    colour = probe.colour
    tags, fit = tag_filters(colour), _fit_filters(probe, profile, selection)
    if not colour.is_converted:
        alpha = ["format=gbrap", PREMULTIPLY, "format=gbrp"] if probe.has_alpha else []
        return [*tags, *alpha, *fit]
    planes = plane_filters(colour, has_alpha=probe.has_alpha)
    end = [*table_filters(colour), "setparams=range=pc:colorspace=gbr"]
    if probe.has_alpha:
        return [*tags, *planes, PREMULTIPLY, f"format={DEEP}", *fit, *end]
    return [*tags, *fit, *planes, *end]


def filter_graphs(
    probe: Probe,
    *,
    profile: ConversionProfile,
    selection: Selection,
    finish: Sequence[str] = (),
    is_changing: bool = False,
) -> tuple[str, str]:
    """Return two filter graphs; the output of the first is the input of the second.

    One graph converts the frame rate (24 fps from the start of the selection), the other the
    picture (upright, fitted, opaque, SDR, then `finish`). When the source changes its size or
    format, ffmpeg rebuilds the first graph but not the second. The `fps` filter must not be
    rebuilt, because it would count from 0 s again; the picture filters must be, because they depend
    on the format.

    By default the rate comes first, so that frames that are not shown are not converted; the caller
    has ffmpeg drop changed frames (`-drop_changed`). With `is_changing` the picture comes first.

    With start_time=0 `fps` repeats the frame that is shown at the start of the selection, however
    early its own timestamp is (sparse VFR). It fills a gap with copies at once, which may be
    millions if timestamps are wrong; `trim` limits them. In one graph with the picture filters, the
    copies would be scaled and queued (490 MB).
    """
    upright = _upright_filters(probe)
    shift = [] if probe.can_seek else [f"setpts=PTS-{selection.start_s:.6f}/TB"]
    rate = f"fps={profile.fps}:start_time=0"
    limit = f"trim=end_frame={profile.frames}"
    picture = [
        *picture_filters(probe, profile=profile, selection=selection),
        "setsar=1",
        *finish,
    ]
    source = f"[0:{probe.stream}]"
    if is_changing:
        # The second graph does not receive the last frame's duration and would drop this frame, so
        # `tpad` repeats it once.
        first = [*upright, *shift, "tpad=stop=1:stop_mode=clone", *_thin_filters(), *picture]
        second = [rate, limit]
    else:
        first, second = [*upright, *shift, rate, limit], picture
    return (
        f"{source}{','.join(first)}[between]",
        f"[between]{','.join(second)}[fitted]",
    )


def _upright_filters(probe: Probe) -> list[str]:
    """Return filters that deinterlace, and that rotate frames which ffmpeg doesn't rotate itself.

    bwdif passes frames that are not marked as interlaced through unchanged.
    """
    fields = ["bwdif=mode=send_field:deint=interlaced"] if probe.is_interlaced else []
    if probe.is_turned_by_ffmpeg:
        return fields
    return [*fields, *QUARTERS[probe.quarters]]


def _thin_filters() -> list[str]:
    """Return filters that drop most of the frames that `fps` would drop later.

    They keep at most MOST_FPS frames a second, from LEAD_S before the selection on.
    """
    step = f"floor(t*{MOST_FPS})"
    last = f"floor(prev_selected_t*{MOST_FPS})"
    return [f"select='gte(t,-{LEAD_S})*(isnan(prev_selected_t)+gt({step},{last}))'"]
