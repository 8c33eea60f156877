"""A house that lacks something: says so, serves what it can, and works again when it is back."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import eventually
from tests.faults.conftest import is_root
from tests.hostile.live import Live, serve
from tests.smaller import SMALL

LOW_DISK = (503, "low_disk")


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A tmpfs of that size on `folder`."""
    if not is_root():
        pytest.skip("a small disk needs root to mount it")
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def health(live: Live) -> tuple[int, str]:
    answer = live.request("GET", "/health/")
    return answer.status, answer.json["status"]


def test_an_upload_that_fills_the_disk_is_told_so_and_leaves_nothing(tmp_path, kitchen, short):
    with small_disk(tmp_path / "media", 8), serve(tmp_path, **SMALL) as live:
        answer = live.convert(short + bytes(20_000_000))
        assert answer.refusal == LOW_DISK
        assert live.settles(), live.files()
        assert live.convert(short).status == 200


def test_a_picture_that_fills_the_disk_is_told_so_and_leaves_nothing(tmp_path, kitchen, short):
    noise = ("-f", "lavfi", "-i", "nullsrc=s=160x90:r=24:d=6,geq=random(1)*255:128:128")
    clip = kitchen.ffmpeg(*noise, "-c:v", "libx264", "-crf", "40", suffix="mp4")
    # Of this size the GIF does not fit; of a small one it would.
    with small_disk(tmp_path / "media", 1), serve(tmp_path, TEST_GIF="160x90x6") as live:
        answer = live.convert(clip)
        assert answer.refusal == LOW_DISK
        assert live.settles(), live.files()


def test_a_nearly_full_disk_refuses_before_the_upload(tmp_path, short):
    with serve(tmp_path, **SMALL, MIN_FREE_DISK=1 << 60) as live:
        answer = live.convert(short)
        assert answer.refusal == LOW_DISK
        assert int(answer.headers["Retry-After"]) > 0


def test_a_full_temporary_folder_is_no_bad_video(tmp_path, short):
    with small_disk(tmp_path / "tmp", 1), serve(tmp_path, **SMALL) as live:
        fill(tmp_path / "tmp")
        assert live.convert(short).refusal in {(200, ""), LOW_DISK}
        (tmp_path / "tmp" / "fill").unlink()
        assert live.convert(short).status == 200


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "fill").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_media_folder_that_cannot_be_written_is_unhealthy_and_mends_itself(tmp_path, short):
    with serve(tmp_path, **SMALL) as live:
        shutil.rmtree(live.media)
        live.media.write_bytes(b"a file where the folder should be")
        assert health(live) == (503, "unhealthy")
        assert live.convert(short).refusal == (500, "internal")
        live.media.unlink()
        live.media.mkdir()
        assert health(live) == (200, "healthy")
        assert live.convert(short).status == 200


def test_without_ffmpeg_the_server_is_unhealthy_and_says_so(tmp_path, short, kitchen):
    tool = tmp_path / "ffmpeg"
    tool.symlink_to(os.path.realpath(_ffmpeg()))
    with serve(tmp_path, **SMALL, IMAGEIO_FFMPEG_EXE=tool) as live:
        assert live.convert(short).status == 200
        tool.unlink()
        assert health(live) == (503, "unhealthy")
        answer = live.convert(short)
        assert answer.refusal == (500, "internal")
        assert b"ffmpeg" not in answer.body
        tool.symlink_to(os.path.realpath(_ffmpeg()))
        assert health(live) == (200, "healthy")
        assert live.convert(short).status == 200


def _ffmpeg() -> str:
    from tests.hostile.kitchen import ffmpeg_exe

    return ffmpeg_exe()


def test_a_lost_cache_loses_its_links_and_nothing_else(tmp_path, short):
    with serve(tmp_path, **SMALL, DOWNLOAD_TTL=2) as live:
        answer = live.convert(short)
        shutil.rmtree(tmp_path / "cache")
        assert live.request("GET", answer.json["converted_url"]).status == 404
        assert live.convert(short).status == 200
    with serve(tmp_path, **SMALL, DOWNLOAD_TTL=0) as live:
        assert eventually(lambda: live.files() == [], within_s=40), live.files()
