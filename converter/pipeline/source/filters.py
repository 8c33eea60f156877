"""Build ffmpeg's filter graphs for a decode: constant frame rate, opaque SDR, fitted."""

from collections.abc import Sequence

from converter.pipeline.profile import ConversionProfile, Selection
from converter.pipeline.source.colour import (
    plane_filters,
    table_filters,
    tag_filters,
)
from converter.pipeline.source.probe import Probe

# If the source changes during the clip, every frame is fitted that these filters don't drop.
MOST_FPS = 96
LEAD_S = 10
# Planar RGB in which colours are converted.
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
    """Return filters that fit the pictures into the profile, for `contain` without bars."""
    w, h = profile.width, profile.height
    # More exact than the default if the output has more than 8 bits.
    flags = "bicubic+accurate_rnd+full_chroma_int" if probe.colour.is_converted else "bicubic"
    # dar includes the pixel aspect. Rounded, but not below the frame (cover) or above it (contain).
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
    """Return the filters from a decoded, upright frame to fitted, opaque sRGB.

    The same steps in the same order for every source, each empty where there is nothing to do:
    matrix and levels to RGB, alpha onto black, fit, curve and primaries to sRGB. Opaque frames are
    fitted first, which is less work; with alpha the colours of transparent pixels would bleed.
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
    """Return two filter graphs, the second of which reads the first.

    One holds the rate (24 fps from the cut on), the other the picture (opaque, fitted, upright,
    SDR, then `finish`). ffmpeg builds the first graph again when the source changes its size or
    format, and never the second: only the picture may be in a graph that is built again, because
    `fps` would count from 0 s again, and only the rate may see frames of another size than those it
    was built for, because it does not look into them.

    The rate comes first, so that nothing works on frames that are not shown, and the caller keeps
    changed frames out (`-drop_changed`). For a source that is known to change (`is_changing`) the
    picture comes first.

    With start_time=0 `fps` keeps the frame that is on screen at the cut, however long before it
    began (sparse VFR). Over a gap it makes all copies at once, millions over a lying one: `trim`
    ends that. In one graph with the picture they would be scaled into a queue (490 MB).
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
        # The second graph is not told when the last frame ends, only when it begins: `tpad` repeats
        # it once, or it would be missing.
        first = [*upright, *shift, "tpad=stop=1:stop_mode=clone", *_thin_filters(), *picture]
        second = [rate, limit]
    else:
        first, second = [*upright, *shift, rate, limit], picture
    return (
        f"{source}{','.join(first)}[between]",
        f"[between]{','.join(second)}[fitted]",
    )


def _upright_filters(probe: Probe) -> list[str]:
    """Return filters that part the fields of interlaced frames, and turn what ffmpeg doesn't turn.

    bwdif passes frames on that are not marked as interlaced, bit for bit.
    """
    fields = ["bwdif=mode=send_field:deint=interlaced"] if probe.is_interlaced else []
    if probe.is_turned_by_ffmpeg:
        return fields
    return [*fields, *QUARTERS[probe.quarters]]


def _thin_filters() -> list[str]:
    """Return filters that drop most frames that `fps` would drop later anyway.

    Kept are at most MOST_FPS frames a second, from LEAD_S before the cut on.
    """
    step = f"floor(t*{MOST_FPS})"
    last = f"floor(prev_selected_t*{MOST_FPS})"
    return [f"select='gte(t,-{LEAD_S})*(isnan(prev_selected_t)+gt({step},{last}))'"]
