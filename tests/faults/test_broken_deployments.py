"""Deployments that lack disk space, ffmpeg or the cache: they report it, and recover."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clips import ffmpeg_exe
from tests.support.files import ROOT
from tests.support.live import Live, environment, serve
from tests.support.network import free_port
from tests.support.small import SMALL
from tests.support.waiting import PATIENCE_S, eventually

LOW_DISK = (503, "low_disk")


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a tmpfs of `megabytes` MB on `folder`."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine doesn't allow mounting a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Run a server with 8 MB for the media folder and 1 MB for temporary files."""
    folder = tmp_path_factory.mktemp("cramped")
    with (
        small_disk(folder / "media", 8),
        small_disk(folder / "tmp", 1),
        serve(folder, **SMALL) as live,
    ):
        yield live


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a symbolic link to ffmpeg that a test can remove."""
    link = tmp_path_factory.mktemp("tool") / "ffmpeg"
    link.symlink_to(os.path.realpath(ffmpeg_exe()))
    return link


@pytest.fixture(scope="module")
def sound(tool: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Run a server that the tests break and repair before they assert anything."""
    with serve(tmp_path_factory.mktemp("sound"), **SMALL, IMAGEIO_FFMPEG_EXE=tool) as live:
        yield live


def health(live: Live) -> tuple[int, str]:
    answer = live.request("GET", "/health/")
    return answer.status, answer.json["status"]


@pytest.mark.parametrize("option", ["--certfile", "--keyfile"])
def test_a_server_that_is_given_a_certificate_says_why_it_does_not_start(tmp_path, option):
    (tmp_path / "a.pem").touch()
    options = [option, str(tmp_path / "a.pem")]
    command = [sys.executable, "-m", "gunicorn", *options, "chrome_background_converter.wsgi"]
    env = environment(tmp_path, free_port())
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode != 0
    assert "proxy" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.xdist_group("cramped")
def test_an_upload_that_fills_the_disk_gets_low_disk_and_leaves_nothing(cramped, short):
    answer = cramped.convert(short + bytes(20_000_000))
    assert answer.refusal == LOW_DISK
    assert cramped.settles(), cramped.files()
    cramped.download(cramped.convert(short))


def test_a_gif_that_fills_the_disk_gets_low_disk_and_leaves_nothing(tmp_path, clip_maker, short):
    noise = ("-f", "lavfi", "-i", "nullsrc=s=160x90:r=24:d=6,geq=random(1)*255:128:128")
    clip = clip_maker.ffmpeg(*noise, "-c:v", "libx264", "-crf", "40", suffix="mp4")
    # At this size the GIF doesn't fit on the disk; at the size of SMALL it does.
    with small_disk(tmp_path / "media", 1), serve(tmp_path, TEST_GIF="160x90x6") as live:
        answer = live.convert(clip)
        assert answer.refusal == LOW_DISK
        assert live.settles(), live.files()


def test_an_upload_is_refused_before_it_is_read_when_the_disk_is_nearly_full(tmp_path, short):
    with serve(tmp_path, **SMALL, MIN_FREE_DISK=1 << 60) as live:
        answer = live.convert(short)
        assert answer.refusal == LOW_DISK
        assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.xdist_group("cramped")
def test_a_full_temporary_folder_is_not_reported_as_a_bad_video(cramped, short):
    fill(cramped.folder / "tmp")
    answer = cramped.convert(short)
    (cramped.folder / "tmp" / "fill").unlink()
    assert answer.refusal in {(200, ""), LOW_DISK}
    if answer.status == 200:
        cramped.download(answer)
    cramped.download(cramped.convert(short))


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "fill").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@pytest.mark.xdist_group("sound")
def test_health_fails_while_the_media_folder_is_not_writable(sound, short):
    shutil.rmtree(sound.media)
    sound.media.write_bytes(b"a file where the folder should be")
    meanwhile, answer = health(sound), sound.convert(short)
    sound.media.unlink()
    sound.media.mkdir()
    assert meanwhile == (503, "unhealthy")
    assert answer.refusal == (500, "internal")
    assert health(sound) == (200, "healthy")
    assert sound.convert(short).status == 200


@pytest.mark.xdist_group("sound")
def test_health_fails_while_ffmpeg_is_missing(sound, tool, short):
    assert sound.convert(short).status == 200
    tool.unlink()
    meanwhile, answer = health(sound), sound.convert(short)
    tool.symlink_to(os.path.realpath(ffmpeg_exe()))
    assert meanwhile == (503, "unhealthy")
    assert answer.refusal == (500, "internal")
    assert b"ffmpeg" not in answer.body
    assert health(sound) == (200, "healthy")
    assert sound.convert(short).status == 200


@pytest.mark.xdist_group("sound")
def test_a_lost_cache_loses_only_its_links(sound, short):
    answer = sound.convert(short)
    shutil.rmtree(sound.folder / "cache")
    assert sound.request("GET", answer.json["converted_url"]).status == 404
    assert sound.convert(short).status == 200
    with serve(sound.folder, **SMALL, DOWNLOAD_TTL=0) as live:
        assert eventually(lambda: live.files() == []), live.files()
