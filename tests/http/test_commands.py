"""`manage.py convert` on the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from converter.pipeline.profile import Selection
from tests.support.files import ROOT, files_in
from tests.support.uploads import PICTURE, clip_file


@pytest.fixture
def clip(tmp_path: Path) -> str:
    path = tmp_path / "in.mp4"
    path.write_bytes(clip_file().read())
    return str(path)


def test_the_command_writes_the_gif_and_prints_a_summary(
    media_root, converted, clip, tmp_path, capsys
):
    output = tmp_path / "out.gif"
    chosen = {"start": "00:01:02.500", "fit": "contain", "focus": "0.25,1", "quality": "small"}
    call_command("convert", clip, str(output), **chosen)
    assert output.read_bytes() == PICTURE
    assert capsys.readouterr() == (f"{output}: 144 frames, 0.2 MB\n", "")
    assert converted[0]["selection"] == Selection(
        start_s=62.5, fit="contain", focus_x=0.25, focus_y=1
    )
    assert converted[0]["quality"] == "small"
    assert converted[0]["loop"] is None
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["in.mp4", "out.gif"]
    assert files_in(media_root) == []


def test_the_command_blends_the_loop_when_asked_to(media_root, converted, clip, tmp_path):
    call_command("convert", clip, str(tmp_path / "out.gif"), loop="blend")
    assert converted[0]["loop"] is not None


def test_a_terminal_shows_a_progress_bar_and_clears_it(
    media_root, converted, clip, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    call_command("convert", clip, str(tmp_path / "out.gif"))
    shown = capsys.readouterr().err.split("\r")
    assert f"encode  [{'#' * 14:30}]  49 %" in shown
    assert shown[-2:] == [" " * 48, ""]


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("start", "5 s"),
        ("focus", "middle"),
        ("focus", "0.5"),
        ("focus", "0.5,1.5"),
        ("focus", "nan,0"),
        ("screen", "large"),
    ],
)
def test_an_invalid_option_is_named_in_the_error(
    media_root, converted, clip, tmp_path, option, wrong
):
    with pytest.raises(CommandError, match=f"Give .*--{option}"):
        call_command("convert", clip, str(tmp_path / "out.gif"), **{option: wrong})
    assert converted == []


def test_a_failed_conversion_does_not_change_an_existing_gif(media_root, tmp_path):
    output, junk = tmp_path / "out.gif", tmp_path / "junk.mp4"
    output.write_bytes(PICTURE)
    junk.write_bytes(b"no video")
    with pytest.raises(CommandError, match=f"Can't open {tmp_path}/none.mp4: No such file"):
        call_command("convert", str(tmp_path / "none.mp4"), str(output))
    with pytest.raises(CommandError, match="MP4"):
        call_command("convert", str(junk), str(output))
    assert output.read_bytes() == PICTURE
    assert files_in(media_root) == []


def test_a_missing_output_folder_is_reported_before_the_conversion(
    media_root, converted, clip, tmp_path
):
    output, nowhere = str(tmp_path / "out.gif"), tmp_path / "no"
    for files in (
        [clip, str(nowhere / "out.gif")],
        [clip, output, "--theme", str(nowhere / "a.zip")],
    ):
        with pytest.raises(CommandError, match=f"The folder {nowhere} does not exist"):
            call_command("convert", *files)
    assert converted == []


def test_a_failure_prints_one_line_and_exits_with_1(media_root, tmp_path):
    none = str(tmp_path / "none.mp4")
    command = [sys.executable, "manage.py", "convert", none, str(tmp_path / "out.gif")]
    env = os.environ | {"MEDIA_ROOT": str(media_root)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"CommandError: Can't open {none}: No such file or directory.\n"
