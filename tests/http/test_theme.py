"""POST /convert/ with theme=1: a second link; a failed theme never loses the GIF."""

import pytest
from django.core.management import call_command

from converter import progress, storage
from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionTimeoutError,
    OutputError,
)
from converter.pipeline.theme import package
from converter.pipeline.theme.package import Picture, ThemeFacts
from converter.products import THEME
from tests.support.files import files_in
from tests.support.themes import GREY
from tests.support.uploads import clip_file, post_clip

FAILED, NO_TIME = THEME.failed, THEME.out_of_time
ARCHIVE = b"PK" + bytes(5000)
JOB = "24297573-14af-4b95-81cd-257374bbcba5"


@pytest.fixture
def themed(monkeypatch, converted) -> list[dict]:
    """Replace make_theme too; return the keyword arguments of its calls."""
    calls: list[dict] = []

    def make(cut, output, **options) -> ThemeFacts:
        calls.append({"cut": cut, **options})
        options["control"].report("theme", 0.5)
        output.write_bytes(ARCHIVE)
        pictures = (
            Picture(scale="100", width=1920, height=1080, bytes=9),
            Picture(scale="200", width=3024, height=1964, bytes=8),
        )
        return ThemeFacts(bytes=len(ARCHIVE), pictures=pictures, name="Mine", colours=GREY)

    monkeypatch.setattr("converter.pipeline.theme.package.make_theme", make)
    return calls


def fail_theme(monkeypatch, error: Exception) -> None:
    """Let make_theme raise `error`."""

    def make(*args, **options):
        raise error

    monkeypatch.setattr("converter.pipeline.theme.package.make_theme", make)


def fail_to_store(monkeypatch, suffix: str) -> None:
    """Let storage.store_as raise OSError for files with that suffix."""
    store_as = storage.store_as

    def store_others(name, path):
        if path.suffix == suffix:
            raise OSError("no space")
        store_as(name, path)

    monkeypatch.setattr(storage, "store_as", store_others)


def test_the_log_names_the_job_whose_theme_failed(client, converted, monkeypatch, caplog):
    fail_theme(monkeypatch, OutputError(detail="Svt[error]: no\n    title : Anna"))
    post_clip(client, theme="1", job_id=JOB)
    lines = [r.getMessage() for r in caplog.records if "theme failed" in r.getMessage()]
    assert lines == [f"job={JOB} theme failed: Svt[error]: no"]


def test_a_theme_has_a_second_link_to_its_zip(client, themed):
    payload = post_clip(client, theme="1", screen="1512x982@2", theme_name="Mine").json()
    assert payload["theme"] == {
        "bytes": len(ARCHIVE),
        "pictures": [
            {"scale": "100", "width": 1920, "height": 1080, "bytes": 9},
            {"scale": "200", "width": 3024, "height": 1964, "bytes": 8},
        ],
        "name": "Mine",
        "colors": {
            "frame": [0, 0, 0],
            "toolbar": [40, 40, 40],
            "text": [255, 255, 255],
            "ntp_background": [9, 9, 9],
        },
    }
    answer = client.get(payload["theme_url"])
    assert b"".join(answer.streaming_content) == ARCHIVE
    answer.close()
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="chromi_theme.zip"'
    assert client.get(payload["theme_url"]).status_code == 404


def test_the_fields_reach_the_theme(client, themed):
    post_clip(client, theme="1", screen="1512x982@2", theme_name="Mine", fit="contain")
    (call,) = themed
    assert (call["screen"].width, call["screen"].height, call["screen"].ratio) == (1512, 982, 2)
    assert (call["name"], call["cut"].selection.fit) == ("Mine", "contain")


def test_the_screen_field_is_optional(client, themed):
    post_clip(client, theme="on")
    assert (themed[0]["screen"].width, themed[0]["screen"].ratio, themed[0]["name"]) == (
        1920,
        1,
        "",
    )


@pytest.mark.parametrize("fields", [{}, {"theme": "0"}, {"theme": ""}])
def test_no_theme_is_made_unless_requested(client, themed, fields):
    payload = post_clip(client, **fields).json()
    assert [key for key in payload if key.startswith("theme")] == []
    assert themed == []


def test_a_zoomed_page_gets_its_theme(client, themed):
    payload = post_clip(client, theme="1", screen="1512x982@10").json()
    assert "theme_url" in payload
    assert (themed[0]["screen"].width, themed[0]["screen"].ratio) == (1512, 8)


@pytest.mark.parametrize(
    "fields",
    [
        {"theme": "yes please"},
        {"theme": "1", "screen": "large"},
        {"theme": "1", "theme_name": "x" * 76},
        {"theme": "1", "theme_name": "a\0b"},
    ],
)
def test_an_invalid_theme_field_is_refused(client, themed, fields):
    response = post_clip(client, **fields)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_field")
    assert themed == []


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ConversionTimeoutError(), NO_TIME),
        (OutputError(detail="/secret/path"), FAILED),
        (OSError(28, "No space left on device"), FAILED),
        (ValueError("a fault of ours"), FAILED),
        (MemoryError(), FAILED),
    ],
)
def test_the_gif_is_delivered_if_the_theme_fails(
    client, media_root, converted, monkeypatch, error, sentence
):
    fail_theme(monkeypatch, error)
    response = post_clip(client, theme="1")
    payload = response.json()
    assert (response.status_code, payload["theme_error"]) == (200, sentence)
    assert "theme_url" not in payload
    assert client.head(payload["converted_url"]).status_code == 200
    assert len(files_in(media_root)) == 1


def test_the_gif_is_delivered_if_the_theme_cannot_be_stored(
    client, media_root, themed, monkeypatch
):
    fail_to_store(monkeypatch, ".zip")
    payload = post_clip(client, theme="1").json()
    assert payload["theme_error"] == FAILED
    assert "theme_url" not in payload
    assert client.head(payload["converted_url"]).status_code == 200
    assert len(files_in(media_root)) == 1


def test_a_cancel_during_the_theme_cancels_the_whole_job(
    client, media_root, converted, monkeypatch
):
    fail_theme(monkeypatch, ConversionCanceledError())
    response = post_clip(client, theme="1")
    assert response.json()["code"] == "canceled"
    assert files_in(media_root) == []


def test_the_job_has_the_same_theme_as_the_response(client, themed):
    answer = post_clip(client, theme="1", job_id=JOB).json()
    job = client.get(f"/jobs/{JOB}/").json()
    assert {key: job[key] for key in ("theme", "theme_url")} == {
        key: answer[key] for key in ("theme", "theme_url")
    }


def test_canceling_a_finished_job_revokes_both_links(client, media_root, themed):
    answer = post_clip(client, theme="1", job_id=JOB).json()
    client.delete(f"/jobs/{JOB}/")
    assert client.head(answer["theme_url"]).status_code == 404
    assert files_in(media_root) == []


def test_progress_continues_through_the_theme(client, themed, monkeypatch):
    reports = []
    original = progress.ProgressReporter.report
    monkeypatch.setattr(
        progress.ProgressReporter,
        "report",
        lambda reporter, *values: (reports.append(values), original(reporter, *values))[1],
    )
    post_clip(client, theme="1")
    assert reports == [("encode", 26), ("theme", 76)]


def test_the_command_writes_both_files(media_root, themed, tmp_path, capsys):
    (tmp_path / "in.mp4").write_bytes(clip_file().read())
    call_command(
        "convert",
        str(tmp_path / "in.mp4"),
        str(tmp_path / "out.gif"),
        theme=tmp_path / "out.zip",
        screen="1512x982@2",
        theme_name="Mine",
    )
    assert (tmp_path / "out.zip").read_bytes() == ARCHIVE
    assert "out.zip: Mine, 0.0 MB" in capsys.readouterr().out


def test_a_gif_that_cannot_be_stored_leaves_no_theme(client, media_root, themed, monkeypatch):
    fail_to_store(monkeypatch, ".gif")
    client.raise_request_exception = False
    response = client.post("/convert/", {"video": clip_file(), "theme": "1"})
    assert response.status_code == 500
    assert files_in(media_root) == []


def test_the_gif_can_be_downloaded_while_the_theme_is_made(client, themed, monkeypatch):
    shown: dict = {}
    make = package.make_theme

    def make_later(*args, **options):
        shown.update(client.get(f"/jobs/{JOB}/").json())
        gif = client.get(shown["converted_url"])
        shown["gif_bytes"] = b"".join(gif.streaming_content)
        gif.close()
        return make(*args, **options)

    monkeypatch.setattr(package, "make_theme", make_later)
    answer = post_clip(client, theme="1", job_id=JOB).json()
    assert (shown["status"], shown["gif"], shown["gif_bytes"][:6]) == (
        "started",
        answer["gif"],
        b"GIF89a",
    )
    assert [key for key in shown if key.startswith("theme")] == []
    assert answer["converted_url"] == shown["converted_url"]
    assert client.head(answer["converted_url"]).status_code == 404
    assert client.head(answer["theme_url"]).status_code == 200


def test_a_cancel_while_the_theme_is_made_takes_the_gif_back(
    client, media_root, themed, monkeypatch
):
    answers: list[dict] = []

    def make_and_cancel(*args, **options):
        answers.append(client.get(f"/jobs/{JOB}/").json())
        answers.append(client.delete(f"/jobs/{JOB}/").json())
        raise ConversionCanceledError

    monkeypatch.setattr(package, "make_theme", make_and_cancel)
    assert post_clip(client, theme="1", job_id=JOB).json()["code"] == "canceled"
    assert client.head(answers[0]["converted_url"]).status_code == 404
    assert "converted_url" not in answers[1]
    assert files_in(media_root) == []
