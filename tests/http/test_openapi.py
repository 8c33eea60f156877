"""openapi.yaml agrees with the server."""

import re
import uuid
from dataclasses import asdict

import jsonschema
import pytest
import yaml

from converter import errors, urls
from converter.options import ConversionOptions
from converter.pipeline.errors import ConversionError
from tests.support.files import ROOT
from tests.support.uploads import UNKNOWN_ID, clip_file

API = yaml.safe_load((ROOT / "openapi.yaml").read_text())


def check(response, path: str, method: str) -> None:
    """Validate a response against the documented schema of its status."""
    said = API["paths"][path][method]["responses"][str(response.status_code)]
    reference = said.get("$ref", "").rsplit("/", 1)[-1]
    if reference:
        schema = {"$ref": f"#/components/schemas/{reference}", "components": API["components"]}
        jsonschema.validate(response.json(), schema)


def test_every_route_is_documented_and_every_documented_route_exists():
    routes = {"/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(p.pattern)) for p in urls.urlpatterns}
    assert routes == set(API["paths"])


def kinds_of(error: type) -> set[type]:
    """The class and all its subclasses."""
    return {error}.union(*(kinds_of(kind) for kind in error.__subclasses__()))


def test_every_error_code_is_documented():
    told = {kind.code for kind in kinds_of(errors.RequestError) | kinds_of(ConversionError)}
    documented = set(API["components"]["schemas"]["Error"]["properties"]["code"]["enum"])
    assert told == documented


@pytest.mark.parametrize("path", API["paths"])
def test_the_documented_methods_are_the_allowed_ones(client, path):
    documented = {m.upper() for m in API["paths"][path] if m != "parameters"}
    url = re.sub(r"{\w+}", str(uuid.uuid4()), path)
    response = client.patch(url)
    told = set(response.headers["Allow"].split(", "))
    assert (response.status_code, told - {"HEAD"}) == (405, documented - {"HEAD"})
    jsonschema.validate(
        response.json(),
        {"$ref": "#/components/schemas/Error", "components": API["components"]},
    )


@pytest.mark.parametrize(
    ("path", "method", "url"),
    [
        ("/convert/", "post", "/convert/"),
        ("/jobs/{job_id}/", "get", f"/jobs/{UNKNOWN_ID}/"),
        ("/jobs/{job_id}/", "get", "/jobs/x/"),
        ("/jobs/{job_id}/", "delete", "/jobs/x/"),
        ("/download/{token}/", "get", "/download/x/"),
        ("/health/", "get", "/health/"),
    ],
)
def test_responses_without_a_conversion_match_their_schema(client, path, method, url):
    check(getattr(client, method)(url), path, method)


def test_responses_to_a_conversion_match_their_schema(client, converted):
    job_id = str(uuid.uuid4())
    response = client.post("/convert/", {"video": clip_file(), "job_id": job_id})
    check(response, "/convert/", "post")
    check(client.get(f"/jobs/{job_id}/"), "/jobs/{job_id}/", "get")
    check(client.delete(f"/jobs/{job_id}/"), "/jobs/{job_id}/", "delete")


def test_an_unhealthy_response_matches_its_schema(client, monkeypatch):
    monkeypatch.setattr("converter.health.ffmpeg_path", lambda: "/nowhere")
    response = client.get("/health/")
    assert (response.status_code, response.json()["check"]) == (503, "ffmpeg")
    check(response, "/health/", "get")


def test_the_documented_defaults_are_those_of_the_code():
    """Everywhere that a default is said, it is the one of ConversionOptions."""
    options = ConversionOptions()
    real = {**asdict(options.selection), **asdict(options)}
    fields = API["paths"]["/convert/"]["post"]["requestBody"]["content"]["multipart/form-data"]
    said = {
        name: field["default"]
        for name, field in fields["schema"]["properties"].items()
        if "default" in field and name in real
    }
    assert said == {name: real[name] for name in said}
    assert set(said) >= {"fit", "focus_x", "focus_y", "quality", "screen"}


def test_the_page_begins_with_the_defaults_of_the_code(client):
    options = ConversionOptions()
    page = client.get("/").content.decode()
    state = (ROOT / "static/js/state.js").read_text()
    for name, value in (("fit", options.selection.fit), ("quality", options.quality)):
        assert re.search(rf'name="{name}" value="{value}" checked', page)
        assert f'{name}: "{value}"' in state
    focus = options.selection
    assert f"focus: {{ x: {focus.focus_x}, y: {focus.focus_y} }}" in state
