"""POST /convert/ with picture=1: a link to the picture; a failed picture never loses the GIF."""

from fractions import Fraction

import pytest
from django.core.management import CommandError, call_command

from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionTimeoutError,
    OutputError,
)
from converter.pipeline.picture.background import BackgroundEncoding
from converter.pipeline.picture.inspect import AnimationFacts
from converter.pipeline.picture.make import Animation
from converter.products import PICTURE
from tests.support.files import files_in
from tests.support.uploads import clip_file, post_clip

AVIF = b"\0\0\0\x1cftypavis" + bytes(3000)
JOB = "24297573-14af-4b95-81cd-257374bbcba5"
DESCRIBED = {"width": 1600, "height": 900, "frames": 144, "duration_ms": 6000, "bytes": 3012}


@pytest.fixture
def pictured(monkeypatch, converted) -> list[BackgroundEncoding]:
    """Replace the encoding of the picture too; return the encodings that were started."""
    started: list[BackgroundEncoding] = []

    def finish(encoding, *, frames) -> Animation:
        encoding._output.write_bytes(AVIF)
        facts = AnimationFacts(
            width=1600, height=900, frames=144, seconds=Fraction(6), loops=True, bytes=len(AVIF)
        )
        return Animation(path=encoding._output, facts=facts)

    monkeypatch.setattr(BackgroundEncoding, "start", lambda encoding, cut: started.append(encoding))
    monkeypatch.setattr(BackgroundEncoding, "finish", finish)
    return started


def fail_picture(monkeypatch, error: Exception) -> None:
    def finish(encoding, *, frames):
        raise error

    monkeypatch.setattr(BackgroundEncoding, "start", lambda encoding, cut: None)
    monkeypatch.setattr(BackgroundEncoding, "finish", finish)


def test_a_picture_has_a_link_to_an_avif_named_png(client, pictured):
    payload = post_clip(client, picture="1").json()
    assert payload["picture"] == DESCRIBED
    answer = client.get(payload["picture_url"])
    assert b"".join(answer.streaming_content) == AVIF
    answer.close()
    assert answer.headers["Content-Type"] == "image/avif"
    disposition = 'attachment; filename="chromi_background.png"'
    assert answer.headers["Content-Disposition"] == disposition
    assert client.get(payload["picture_url"]).status_code == 404


def test_the_theme_can_use_a_picture_that_already_has_a_link(client, pictured, monkeypatch):
    read: list[bytes] = []

    def make(cut, output, *, made, **options):
        job = client.get(f"/jobs/{JOB}/").json()
        assert client.head(job["picture_url"]).status_code == 200
        read.append(made.path.read_bytes())
        raise OutputError

    monkeypatch.setattr("converter.pipeline.theme.package.make_theme", make)
    post_clip(client, picture="1", theme="1", job_id=JOB)
    assert read == [AVIF]


def test_the_picture_is_made_for_the_given_screen(client, pictured):
    post_clip(client, picture="on", screen="1512x982@2")
    assert pictured[0]._size == (1428, 928)


@pytest.mark.parametrize("fields", [{}, {"picture": "0"}, {"picture": ""}, {"theme": "0"}])
def test_no_picture_is_made_unless_requested(client, pictured, fields):
    payload = post_clip(client, **fields).json()
    assert [key for key in payload if key.startswith("picture")] == []
    assert pictured == []


def test_an_invalid_picture_field_is_refused(client, pictured):
    response = post_clip(client, picture="yes please")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_field")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ConversionTimeoutError(), PICTURE.out_of_time),
        (OutputError(detail="/secret/path"), PICTURE.failed),
        (OSError(28, "No space left on device"), PICTURE.failed),
        (MemoryError(), PICTURE.failed),
    ],
)
def test_the_gif_is_delivered_if_the_picture_fails(
    client, media_root, converted, monkeypatch, error, sentence
):
    fail_picture(monkeypatch, error)
    payload = post_clip(client, picture="1").json()
    assert payload["picture_error"] == sentence
    assert "picture_url" not in payload
    assert client.head(payload["converted_url"]).status_code == 200
    assert len(files_in(media_root)) == 1


def test_a_cancel_during_the_picture_cancels_the_whole_job(
    client, media_root, converted, monkeypatch
):
    fail_picture(monkeypatch, ConversionCanceledError())
    assert post_clip(client, picture="1").json()["code"] == "canceled"
    assert files_in(media_root) == []


def test_the_job_shows_the_picture_and_a_cancel_revokes_its_link(client, media_root, pictured):
    answer = post_clip(client, picture="1", job_id=JOB).json()
    job = client.get(f"/jobs/{JOB}/").json()
    assert (job["picture"], job["picture_url"]) == (DESCRIBED, answer["picture_url"])
    client.delete(f"/jobs/{JOB}/")
    assert client.head(answer["picture_url"]).status_code == 404
    assert files_in(media_root) == []


def test_the_command_writes_the_picture(media_root, pictured, tmp_path, capsys):
    (tmp_path / "in.mp4").write_bytes(clip_file().read())
    source, output = str(tmp_path / "in.mp4"), str(tmp_path / "out.gif")
    call_command("convert", source, output, picture=tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == AVIF
    assert "out.png: 144 frames, 0.0 MB" in capsys.readouterr().out


def test_the_command_fails_if_the_picture_fails(media_root, converted, tmp_path, monkeypatch):
    (tmp_path / "in.mp4").write_bytes(clip_file().read())
    source, output = str(tmp_path / "in.mp4"), str(tmp_path / "out.gif")
    fail_picture(monkeypatch, OutputError())
    with pytest.raises(CommandError, match="could not be made"):
        call_command("convert", source, output, picture=tmp_path / "out.png")
    assert (tmp_path / "out.gif").exists()
