"""POST /convert/ with a part of a file."""

import json
import uuid

import pytest

from converter.options import ConversionOptions
from tests.support.files import files_in
from tests.support.uploads import MP4_HEAD, clip_file

SENT = len(MP4_HEAD)


def post(client, layout: str, **fields):
    return client.post("/convert/", {"video": clip_file(), "layout": layout, **fields})


@pytest.mark.parametrize(
    "layout",
    [
        "{}",
        "NaN",
        "[" * 30_000,
        "x" * 140_000,
        json.dumps({"size": 100, "ranges": [[0, SENT - 1]]}),
        json.dumps({"size": 100, "ranges": [[0, SENT], [50, 1]]}),
        json.dumps({"size": SENT - 1, "ranges": [[0, SENT]]}),
        f'{{"size": {"9" * 5000}, "ranges": [[0, {SENT}]]}}',
    ],
    ids=lambda text: text[:24],
)
def test_a_layout_that_does_not_match_the_upload_is_refused(client, media_root, converted, layout):
    response = post(client, layout)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_field")
    assert (files_in(media_root), converted) == ([], [])


def test_too_long_form_fields_are_refused(client, media_root, converted):
    response = post(client, "{}", theme_name="x" * 200_000)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_field")


def test_a_layout_that_is_the_whole_file_changes_nothing(client, media_root, converted):
    response = post(client, json.dumps({"size": SENT, "ranges": [[0, SENT]]}))
    assert response.status_code == 200
    assert [name.split("/")[0] for name in files_in(media_root)] == ["converted"]


def test_a_hole_that_is_needed_gives_incomplete_upload(client, media_root, converted):
    job_id = str(uuid.uuid4())
    response = post(client, json.dumps({"size": 9000, "ranges": [[0, SENT]]}), job_id=job_id)
    assert (response.status_code, response.json()["code"]) == (422, "incomplete_upload")
    assert (files_in(media_root), converted) == ([], [])
    assert client.get(f"/jobs/{job_id}/").json()["code"] == "incomplete_upload"


def test_a_layout_reaches_a_worker_as_json():
    text = json.dumps({"size": 9000, "ranges": [[0, SENT]]})
    options = ConversionOptions(layout=text)
    assert ConversionOptions.from_json(json.loads(json.dumps(options.as_json()))) == options
