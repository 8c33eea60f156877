"""Measure the picture for Chrome: bytes, look, cost of making it, cost of playing it.

    .venv/bin/python -m benchmarks.picture.measure CLIP[@START] ... [--screen 1920x1080@1]
    .venv/bin/python -m benchmarks.picture.measure --play FILE ... [--scale 1] [--rounds 2]

The first form prints one Markdown row per clip: the picture's size in px and MB (10**6 bytes), the
GIF's MB and how many times larger it is, CPU and wall seconds of the GIF alone and of both, the
peak of both trees in MB, and the look. SSIMULACRA2 (`pip install ssimulacra2`, else left out) and
dE99 are means of four frames against the source at the picture's own size; dE99 is the 99th
percentile of 100 x the OKLab distance of 8x8 px means.

The second form plays files on a New Tab page of a 1920x1080 window (headless, software drawing), in
turns, and prints the CPU of all Chromium processes in per cent of one core over 12 s, by round.
"""

import argparse
import io
import os
import resource
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.theme.measure import MAX_PIXELS, Tree, blocks
from converter.material import Material
from converter.options import ConversionOptions
from converter.pipeline.control import Control
from converter.pipeline.convert import convert_video
from converter.pipeline.profile import BACKGROUND, Selection
from converter.pipeline.source.decode import decode_arguments
from converter.pipeline.source.source import Source, open_source
from tests.support.browser.newtab import upload
from tests.support.browser.switches import new_tab

FRAMES = "select='not(mod(n-12,36))'"
WINDOW = (1920, 1080)
SETTLE_S, PLAY_S = 7, 12


def run(arguments, *, width, height):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *arguments]
    raw = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run([*command, *raw], stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)


def look(source: Source, selection: Selection, picture: Path, size):
    """Return (SSIMULACRA2 or None, dE99) of the picture against its source."""
    width, height = size
    profile = replace(BACKGROUND, width=width, height=height)
    decode = decode_arguments(
        source, profile=profile, selection=selection, finish=[FRAMES, "format=rgb24"]
    )
    wanted = run(decode, width=width, height=height)
    flags = "scale=in_color_matrix=bt709:flags=bicubic+accurate_rnd+full_chroma_int"
    shown = ["-i", str(picture), "-map", "0:v:1", "-vf", f"{FRAMES},{flags}"]
    got = run(shown, width=width, height=height)
    near = [
        np.percentile(np.sqrt(((blocks(a) - blocks(b)) ** 2).sum(1)), 99) * 100
        for a, b in zip(wanted, got, strict=True)
    ]
    pairs = zip(wanted, got, strict=True)
    scores = [score for a, b in pairs if (score := ssimulacra2(a, b)) is not None]
    return (np.mean(scores) if scores else None), float(np.mean(near))


def ssimulacra2(one, other):
    try:
        from ssimulacra2 import compute_ssimulacra2
    except ImportError:
        return None
    files = [io.BytesIO(), io.BytesIO()]
    for file, picture in zip(files, (one, other), strict=True):
        Image.fromarray(picture).save(file, "BMP")
        file.seek(0)
    return float(compute_ssimulacra2(*files))


def used() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def convert(clip: Path, options: ConversionOptions, folder: Path):
    """Convert; return (CPU s, wall s, peak MB of the tree, source, the picture or None)."""
    control = Control(timeout_s=900, extras=["picture"])
    cpu, began = used(), time.monotonic()
    with Tree() as tree:
        source = open_source(clip, max_pixels=MAX_PIXELS, control=control)
        with Material(
            source,
            options,
            loop=None,
            picture_path=folder / "chromi_background.png",
            control=control,
        ) as material:
            convert_video(
                source,
                folder / "chromi_background.gif",
                selection=options.selection,
                control=control,
                on_frame=material.add_frame,
            )
            frames = material.frames
            picture = material.encoding.finish(frames=frames) if options.picture else None
    return used() - cpu, time.monotonic() - began, tree.peak / 1e6, source, picture


def weigh(clip: Path, start: float, screen: str, keep: Path | None) -> None:
    options = ConversionOptions(selection=Selection(start_s=start), screen=screen, picture=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        convert(clip, replace(options, picture=False), folder)  # warm: imports, the page cache
        alone = convert(clip, replace(options, picture=False), folder)
        *both, source, picture = convert(clip, options, folder)
        score, near = look(source, options.selection, picture.path, picture.size)
        gif = (folder / "chromi_background.gif").stat().st_size
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            for path in folder.glob("chromi_background.*"):
                shutil.copyfile(path, keep / f"{clip.stem}{path.suffix}")
    facts = picture.facts
    print(
        f"| {clip.stem} | {screen} | {facts.width}x{facts.height} | {facts.bytes / 1e6:.2f} "
        f"| {gif / 1e6:.1f} ({gif / facts.bytes:.0f}x) "
        f"| {alone[0]:.1f}, {both[0]:.1f} (+{both[0] - alone[0]:.1f}) "
        f"| {alone[1]:.1f}, {both[1]:.1f} ({both[1] / alone[1]:.2f}x) "
        f"| {alone[2]:.0f}, {both[2]:.0f} "
        f"| {'-' if score is None else f'{score:.1f}'} | {near:.2f} |",
        flush=True,
    )


def chromiums() -> float:
    """Return the CPU seconds of all Chromium processes that this one started."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if "chrom" in process.name():
                times = process.cpu_times()
                total += times.user + times.system
        except psutil.Error:
            continue
    return total


def play(file: Path, scale: float) -> float:
    """Return what playing the file costs, in per cent of one core."""
    profile = Path(tempfile.mkdtemp(prefix="play-"))
    upload(file, profile)
    try:
        with sync_playwright() as playwright:
            window = (int(WINDOW[0] / scale), int(WINDOW[1] / scale))
            context = playwright.chromium.launch_persistent_context(
                profile,
                executable_path=shutil.which("chromium"),
                headless=False,
                no_viewport=True,
                args=new_tab(theme=None, scale=scale, window=window),
            )
            (page,) = context.pages
            page.goto("chrome://new-tab-page/")
            time.sleep(SETTLE_S)
            before, began = chromiums(), time.monotonic()
            time.sleep(PLAY_S)
            cost = 100 * (chromiums() - before) / (time.monotonic() - began)
            context.close()
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    return cost


def play_all(files: list[Path], *, scale: float, rounds: int) -> None:
    costs: dict[Path, list[float]] = {file: [] for file in files}
    for _ in range(rounds):
        for file in files:
            costs[file].append(play(file, scale))
    print("| file | % of a core by round | mean over the first file's |\n| --- | --- | --- |")
    first = np.mean(costs[files[0]])
    for file, values in costs.items():
        told = ", ".join(f"{value:.1f}" for value in values)
        print(f"| {file.name} | {told} | {np.mean(values) / first:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", nargs="*")
    parser.add_argument("--screen", default="1920x1080@1")
    parser.add_argument("--keep", type=Path, help="a folder for the GIFs and pictures")
    parser.add_argument("--play", nargs="+", type=Path)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    if given.play:
        return play_all(given.play, scale=given.scale, rounds=given.rounds)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    print(
        "| clip | screen | px | MB | GIF MB | CPU s | wall s | tree MB | SSIMULACRA2 | dE99 |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for clip in given.clip:
        path, _, start = clip.partition("@")
        weigh(Path(path), float(start or 0), given.screen, given.keep)
    return None


if __name__ == "__main__":
    main()
