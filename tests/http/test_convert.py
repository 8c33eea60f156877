"""POST /convert/ in inline mode."""

import json
import tracemalloc
import uuid
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from django.test import Client

from converter import inline, progress
from converter.pipeline.errors import ConversionTimeoutError, TooShortError
from converter.views import permission_denied
from converter.web import admission
from converter.web.uploads import LimitedUploadHandler
from tests.support.files import files_in
from tests.support.uploads import MP4_HEAD, PICTURE, UNKNOWN_ID, clip_file


def post(client: Client, **fields):
    return client.post("/convert/", fields)


def refusal(response) -> tuple[int, str]:
    payload = response.json()
    assert payload["success"] is False
    assert payload["error"].endswith(".")
    return response.status_code, payload["code"]


def test_an_upload_gives_a_link_to_the_gif(client, media_root, converted):
    response = post(client, video=clip_file(), start_time="00:00:02.5")
    payload = response.json()
    url = payload.pop("converted_url")
    assert (response.status_code, payload) == (
        200,
        {
            "success": True,
            "expires_in": 600,
            "gif": {
                "width": 1280,
                "height": 720,
                "frames": 144,
                "duration_ms": 6000,
                "bytes": len(PICTURE),
                "loop": 0,
            },
        },
    )
    assert uuid.UUID(url.removeprefix("/download/").removesuffix("/")).version == 4
    assert converted[0]["selection"].start_s == 2.5
    assert [name.split("/")[0] for name in files_in(media_root)] == ["converted"]


def test_the_upload_field_may_be_called_file(client, converted):
    assert post(client, file=clip_file("A.MOV")).status_code == 200


def test_fields_reach_the_pipeline(client, converted):
    post(client, video=clip_file(), fit="contain", focus_x="0.25", focus_y="1", quality="small")
    selection = converted[0]["selection"]
    assert (selection.fit, selection.focus_x, selection.focus_y, converted[0]["quality"]) == (
        "contain",
        0.25,
        1.0,
        "small",
    )


@pytest.mark.parametrize(
    ("fields", "plans"), [({}, 0), ({"loop": "cut"}, 0), ({"loop": "blend"}, 1)]
)
def test_only_a_blend_is_planned(client, converted, fields, plans):
    assert post(client, video=clip_file(), **fields).status_code == 200
    assert (converted[0]["loop"] is not None) == bool(plans)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (400, "no_file")),
        ({"video": "just text"}, (400, "no_file")),
        ({"video": clip_file("clip.avi")}, (400, "unsupported_type")),
        ({"video": clip_file("clip")}, (400, "unsupported_type")),
        ({"video": clip_file(content=b"#EXTM3U")}, (400, "unsupported_type")),
        ({"video": clip_file(), "start_time": "90"}, (400, "invalid_start_time")),
        ({"video": clip_file(), "start_time": "00:00:-1"}, (400, "invalid_start_time")),
        ({"video": clip_file(), "start_time": "nan"}, (400, "invalid_start_time")),
        ({"video": clip_file(), "start_time": "٠٠:٠٠:٠١"}, (400, "invalid_start_time")),
        ({"video": clip_file(), "start_time": "1" * 10_000}, (400, "invalid_start_time")),
        ({"video": clip_file(), "fit": "stretch"}, (400, "invalid_field")),
        ({"video": clip_file(), "focus_x": "2"}, (400, "invalid_field")),
        ({"video": clip_file(), "focus_y": "left"}, (400, "invalid_field")),
        ({"video": clip_file(), "focus_y": "inf"}, (400, "invalid_field")),
        ({"video": clip_file(), "quality": "best"}, (400, "invalid_field")),
        ({"video": clip_file(), "loop": "mirror"}, (400, "invalid_field")),
        ({"video": clip_file(), "job_id": "../../etc"}, (400, "invalid_field")),
        ({"video": clip_file(), "job_id": str(uuid.uuid1())}, (400, "invalid_field")),
    ],
)
def test_invalid_input_is_refused_with_a_code_and_leaves_nothing(
    client, media_root, converted, fields, expected
):
    for value in fields.values():
        if hasattr(value, "seek"):
            value.seek(0)
    assert refusal(post(client, **fields)) == expected
    assert (files_in(media_root), converted) == ([], [])


@pytest.mark.parametrize("duration", ["", "6", "0", "99", "six"])
def test_the_duration_is_accepted_and_ignored(client, converted, duration):
    assert post(client, video=clip_file(), duration=duration).status_code == 200


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TooShortError(), (422, "too_short")),
        (ConversionTimeoutError(), (503, "timeout")),
    ],
)
def test_a_failed_conversion_leaves_no_file(
    client, media_root, converted, monkeypatch, error, expected
):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("converter.pipeline.convert.convert_video", fail)
    job_id = str(uuid.uuid4())
    assert refusal(post(client, video=clip_file(), job_id=job_id)) == expected
    assert files_in(media_root) == []
    job = client.get(f"/jobs/{job_id}/").json()
    assert job["status"] == "failed"
    assert client.delete(f"/jobs/{job_id}/").json() == job  # too late to cancel


def test_a_crash_gives_500_without_details(client, media_root, converted, monkeypatch, caplog):
    def crash(*args, **kwargs):
        raise ZeroDivisionError("/secret/path")

    client.raise_request_exception = False
    monkeypatch.setattr("converter.pipeline.convert.convert_video", crash)
    job_id = str(uuid.uuid4())
    with caplog.at_level("ERROR", logger="converter"):
        response = post(client, video=clip_file(), job_id=job_id)
    assert refusal(response) == (500, "internal")
    assert b"secret" not in response.content
    assert files_in(media_root) == []
    assert f"job={job_id} code=internal ZeroDivisionError" in caplog.messages


def test_a_second_upload_gets_busy_before_it_is_read(client, converted):
    with inline.conversions.occupy():
        response = post(client, video=clip_file())
        assert refusal(response) == (503, "busy")
        assert int(response.headers["Retry-After"]) > 0
        assert client.get("/health/").json()["busy"] is True
    assert post(client, video=clip_file()).status_code == 200


@pytest.mark.parametrize(
    "upload",
    [
        clip_file(content=b"#EXTM3U" + bytes(300_000)),
        clip_file("clip.avi", MP4_HEAD + bytes(300_000)),
    ],
)
def test_a_wrong_type_is_refused_at_its_first_bytes(client, media_root, monkeypatch, upload):
    written = []
    write = TemporaryFileUploadHandler.receive_data_chunk
    monkeypatch.setattr(
        TemporaryFileUploadHandler,
        "receive_data_chunk",
        lambda handler, data, start: (written.append(data), write(handler, data, start))[1],
    )
    assert refusal(post(client, video=upload)) == (400, "unsupported_type")
    assert written == []
    assert files_in(media_root) == []


@pytest.mark.parametrize("cut", [1, 4, 40, 4095, 4096])
def test_the_type_is_known_however_the_first_bytes_are_cut(media_root, cut):
    """Django's parser gives what is left of its buffer first, which may be a few bytes."""
    handler = LimitedUploadHandler(HttpRequest())
    handler.new_file("video", "a.mp4", "video/mp4", 0)
    content = MP4_HEAD + bytes(6000)
    for start in range(0, len(content), cut):
        handler.receive_data_chunk(content[start : start + cut], start)
    with handler.file_complete(len(content)) as file:
        assert file.read() == content


def test_a_refusal_of_django_is_forbidden_not_csrf(rf):
    response = permission_denied(rf.get("/"), PermissionDenied())
    assert (response.status_code, json.loads(response.content)["code"]) == (403, "forbidden")


def test_a_corrupt_record_of_a_job_counts_as_missing(client, converted):
    job_id = str(uuid.uuid4())
    post(client, video=clip_file(), job_id=job_id)
    Path(cache._key_to_file(f"job:{job_id}")).write_bytes(bytes(200))
    assert client.get(f"/jobs/{job_id}/").status_code == 400  # no such job
    assert post(client, video=clip_file(), job_id=job_id).status_code == 200


def test_an_upload_is_refused_by_its_content_length(client, converted):
    response = client.post("/convert/", {}, CONTENT_LENGTH=str(104_857_600 + 300_000))
    assert refusal(response) == (413, "too_large")


def test_an_upload_is_admitted_under_any_script_name(client, converted):
    response = client.post(
        "/x/convert/", {}, SCRIPT_NAME="/x", PATH_INFO="/convert/", CONTENT_LENGTH=str(10**9)
    )
    assert refusal(response) == (413, "too_large")


def test_an_upload_is_refused_while_it_is_read(client, media_root, settings, converted):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = post(client, video=clip_file(content=MP4(60_000)))
    assert refusal(response) == (413, "too_large")
    assert files_in(media_root) == []


def MP4(size: int) -> bytes:  # noqa: N802
    return b"\0\0\0\x18ftypisom" + bytes(size)


def test_a_chunked_upload_is_refused(client):
    response = client.post("/convert/", {}, CONTENT_LENGTH="")
    assert refusal(response) == (411, "length_required")


def test_a_missing_csrf_token_gives_403(media_root, converted):
    client = Client(enforce_csrf_checks=True)
    assert refusal(post(client, video=clip_file())) == (403, "csrf")
    assert files_in(media_root) == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("get", "/convert/", "POST"),
        ("put", "/convert/", "POST"),
        ("post", "/", "GET, HEAD"),
        ("post", "/health/", "GET, HEAD"),
        ("delete", "/download/7d8f2f86-5c0c-4ab5-9d1c-0c1c7b8a9d11/", "GET, HEAD"),
        ("post", "/jobs/7d8f2f86-5c0c-4ab5-9d1c-0c1c7b8a9d11/", "GET, HEAD, DELETE"),
    ],
)
def test_other_methods_give_405_with_or_without_a_csrf_token(method, path, allowed, media_root):
    response = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert refusal(response) == (405, "method_not_allowed")
    assert response.headers["Allow"] == allowed


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"video": "x"}'),
        ("text/plain", b"x"),
        ("application/x-www-form-urlencoded", b"start_time=00:00:01"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(20))),
    ],
)
def test_a_body_that_is_not_multipart_has_no_file(client, kind, body):
    assert refusal(client.post("/convert/", body, content_type=kind)) == (400, "no_file")


@pytest.mark.parametrize("spell", [str, lambda u: str(u).upper(), lambda u: u.hex])
def test_a_job_is_found_by_any_spelling_of_its_id(client, converted, spell):
    job_id = uuid.uuid4()
    post(client, video=clip_file(), job_id=spell(job_id))
    job = client.get(f"/jobs/{spell(job_id)}/").json()
    assert (job["id"], job["status"]) == (str(job_id), "finished")


def test_a_job_with_a_clients_id_reports_its_result(client, converted):
    job_id = str(uuid.uuid4())
    payload = post(client, video=clip_file(), job_id=job_id).json()
    job = client.get(f"/jobs/{job_id}/").json()
    assert (job["id"], job["status"], job["progress"]) == (job_id, "finished", 100)
    assert job["converted_url"] == payload["converted_url"]


def test_a_job_id_is_accepted_once(client, converted):
    job_id = str(uuid.uuid4())
    post(client, video=clip_file(), job_id=job_id)
    assert refusal(post(client, video=clip_file(), job_id=job_id)) == (400, "invalid_field")


def test_a_canceled_job_ends_and_leaves_nothing(client, media_root, converted, monkeypatch):
    job_id = str(uuid.uuid4())

    def convert(source, output, *, control, **options):
        output.write_bytes(PICTURE)
        assert client.delete(f"/jobs/{job_id}/").json()["status"] == "canceled"
        control.check()

    monkeypatch.setattr("converter.pipeline.convert.convert_video", convert)
    assert post(client, video=clip_file(), job_id=job_id).json()["code"] == "canceled"
    assert client.get(f"/jobs/{job_id}/").json()["status"] == "canceled"
    assert files_in(media_root) == []


def test_canceling_a_finished_job_revokes_its_link(client, media_root, converted):
    job_id = str(uuid.uuid4())
    url = post(client, video=clip_file(), job_id=job_id).json()["converted_url"]
    client.delete(f"/jobs/{job_id}/")
    assert refusal(client.get(url)) == (404, "expired")
    assert files_in(media_root) == []


def test_a_job_without_a_recent_report_has_failed(media_root):
    progress.begin("x")
    record = progress.find("x")
    progress.cache.set("job:x", {**record, "at": record["at"] - 120})
    assert progress.find("x")["status"] == "failed"


def test_a_browser_without_javascript_gets_a_page(client, converted):
    response = client.post("/convert/", {"video": clip_file()}, headers={"Accept": "text/html"})
    assert response.headers["Content-Type"].startswith("text/html")
    assert b"/download/" in response.content


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/nothing/", (404, "not_found")),
        ("/download/nonsense/", (404, "expired")),
        (f"/download/{UNKNOWN_ID}/", (404, "expired")),
        ("/jobs/nonsense/", (404, "unknown_job")),
    ],
)
def test_an_unknown_url_gives_404(client, path, expected):
    assert refusal(client.get(path)) == expected


def test_a_stopping_server_accepts_no_uploads(client, converted):
    admission.closing.set()
    try:
        assert refusal(post(client, video=clip_file())) == (503, "shutting_down")
    finally:
        admission.closing.clear()


def test_memory_is_logged_at_each_stage_with_tracemalloc(client, settings, converted, caplog):
    settings.ENABLE_TRACEMALLOC = True
    with caplog.at_level("INFO"):
        post(client, video=clip_file("my secret holiday.mp4"))
    tracemalloc.stop()
    lines = [r.getMessage() for r in caplog.records if "python_mb" in r.getMessage()]
    assert [line.split()[1] for line in lines] == ["stage=encode"]
    assert "holiday" not in caplog.text
