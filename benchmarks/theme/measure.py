"""Measure the Chrome theme: size, CPU, memory and scores of its pictures, by clip and screen.

    .venv/bin/python -m benchmarks.theme.measure CLIP[@START] ... [--screen 1920x1080@1 ...]

Prints one Markdown row per picture. MB are 10**6 bytes; memory is the peak of the whole process
tree while the theme is made. Every 24th frame is compared with the source, decoded and fitted as
for the GIF but without a palette: PSNR and SSIM (8x8 windows) of luma; dE and dE99 are the mean and
the 99th percentile of 100 x the OKLab distance of 8x8 means.
"""

import argparse
import resource
import subprocess
import tempfile
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import psutil

from converter.pipeline.control import Control
from converter.pipeline.picture.encode import Cut
from converter.pipeline.profile import BACKGROUND, Selection
from converter.pipeline.screen import parse_screen
from converter.pipeline.source.decode import decode_arguments
from converter.pipeline.source.source import open_source
from converter.pipeline.theme.colours import exact_oklab
from converter.pipeline.theme.package import make_theme
from tests.support.themes import sampled

MAX_PIXELS = 17_000_000
EVERY = "select='not(mod(n-11,24))'"
SCREENS = ["1920x1080@1", "1512x982@2", "1920x1080@2"]


def raw(arguments, width, height):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *arguments]
    out = ["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    done = subprocess.run([*command, *out], stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)


def windows(values, size=8):
    total = np.cumsum(np.cumsum(np.pad(values, ((1, 0), (1, 0))), 0), 1)
    sums = total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    return (sums / size**2)[::4, ::4]


def ssim(a, b):
    ma, mb = windows(a), windows(b)
    va, vb, both = windows(a * a) - ma**2, windows(b * b) - mb**2, windows(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(
        ((2 * ma * mb + c1) * (2 * both + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))).mean()
    )


def blocks(picture, size=8):
    height, width = (side // size * size for side in picture.shape[:2])
    cut = picture[:height, :width].reshape(height // size, size, width // size, size, 3)
    return exact_oklab(cut.mean((1, 3)).reshape(-1, 3))


def scores(wanted, got):
    errors, likeness, near, far = [], [], [], []
    for a, b in zip(wanted, got, strict=True):
        la, lb = (x @ np.array([0.2126, 0.7152, 0.0722]) for x in (a, b))
        errors.append(((la - lb) ** 2).mean())
        likeness.append(ssim(la, lb))
        distance = np.sqrt(((blocks(a) - blocks(b)) ** 2).sum(1)) * 100
        near.append(distance.mean())
        far.append(np.percentile(distance, 99))
    psnr = 10 * np.log10(255**2 / max(np.mean(errors), 1e-9))
    return psnr, *(float(np.mean(x)) for x in (likeness, near, far))


class Tree:
    """The peak of our process tree's resident memory, bytes, while the block runs."""

    def __enter__(self):
        self.peak, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _watch(self):
        me = psutil.Process()
        while not self._done.wait(0.05):
            total = me.memory_info().rss
            for child in me.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, total)


def weigh(clip, start, screen):
    selection = Selection(start_s=start)
    control = Control(timeout_s=600, extras=["theme"])
    sampler, frames = sampled(clip, selection=selection, profile=BACKGROUND)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "theme.zip"
        source = open_source(clip, max_pixels=MAX_PIXELS, control=control)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        with Tree() as tree:
            facts = make_theme(
                Cut(
                    source=source,
                    profile=BACKGROUND,
                    selection=selection,
                    border=sampler.colours().ntp_background,
                ),
                output,
                sampler=sampler,
                frames=frames,
                screen=parse_screen(screen),
                name="",
                control=control,
            )
        after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        zipfile.ZipFile(output).extractall(folder)
        for picture in facts.pictures:
            name = "background.png" if picture.scale == "100" else "background@2x.png"
            profile = replace(BACKGROUND, width=picture.width, height=picture.height)
            wanted = raw(
                decode_arguments(source, profile=profile, selection=selection, finish=[EVERY]),
                picture.width,
                picture.height,
            )
            got = raw(
                ["-i", f"{folder}/images/{name}", "-map", "0:v:1", "-vf", EVERY],
                picture.width,
                picture.height,
            )
            psnr, like, mean, worst = scores(wanted, got)
            print(
                f"| {clip.stem} | {screen} | {picture.scale} {picture.width}x{picture.height} "
                f"| {picture.bytes / 1e6:.2f} | {cpu:.1f} | {took:.0f} | {tree.peak / 1e6:.0f} "
                f"| {psnr:.1f} | {like:.4f} | {mean:.2f} | {worst:.2f} |",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", nargs="+")
    parser.add_argument("--screen", nargs="*", default=SCREENS)
    given = parser.parse_args()
    print("| clip | screen | picture | MB | CPU s | wall s | tree MB | PSNR | SSIM | dE | dE99 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for clip in given.clip:
        path, _, start = clip.partition("@")
        for screen in given.screen:
            weigh(Path(path), float(start or 0), screen)


if __name__ == "__main__":
    main()
