"""A worker died after some results had links: the next attempt, or the failure, removes them."""

from pathlib import Path
from types import SimpleNamespace

from converter import conversions, downloads, jobs, progress, storage
from converter.options import ConversionOptions
from converter.products import GIF
from tests.support.files import files_in
from tests.support.uploads import PICTURE, clip_file

JOB = "24297573-14af-4b95-81cd-257374bbcba5"


def interrupted_job(folder: Path) -> tuple[str, str]:
    """Leave a job behind as a killed worker does; return its upload's name and the GIF's token."""
    video, gif = folder / "in.mp4", folder / "out.gif"
    video.write_bytes(clip_file().read())
    gif.write_bytes(PICTURE)
    upload = storage.store(video, folder=storage.UPLOADS)
    token = downloads.offer(gif, filename=GIF.filename, content_type=GIF.content_type, job_id=JOB)
    progress.begin(JOB).show({GIF.key: {"token": token, "facts": {}}})
    progress.requeue(JOB)
    return upload, token


def test_the_second_attempt_replaces_the_links_of_the_first(
    client, media_root, converted, tmp_path
):
    upload, token = interrupted_job(tmp_path)
    conversions.convert_stored(upload, ConversionOptions(job_id=JOB))
    assert client.head(f"/download/{token}/").status_code == 404
    job = client.get(f"/jobs/{JOB}/").json()
    assert client.head(job["converted_url"]).status_code == 200
    assert len(files_in(media_root)) == 1


def test_a_job_that_fails_takes_the_links_of_its_results_back(client, media_root, tmp_path):
    upload, token = interrupted_job(tmp_path)
    jobs.attempt_failed(SimpleNamespace(id=JOB, args=[upload], retries_left=1), ValueError)
    assert client.head(f"/download/{token}/").status_code == 404
    assert progress.find(JOB)["status"] == "failed"
    assert files_in(media_root) == []


def test_a_finished_job_keeps_its_links_when_its_worker_dies_afterwards(
    client, media_root, tmp_path
):
    upload, token = interrupted_job(tmp_path)
    progress.finish(JOB, {GIF.key: {"token": token, "facts": {}}})
    jobs.attempt_failed(SimpleNamespace(id=JOB, args=[upload], retries_left=1), ValueError)
    assert client.head(f"/download/{token}/").status_code == 200


def test_the_results_stay_in_the_record_with_each_report(client, media_root):
    reporter = progress.begin(JOB)
    reporter.show({GIF.key: {"error": "none"}})
    reporter.report("theme", 60)
    record = progress.find(JOB)
    assert (record["stage"], record["results"]) == ("theme", {GIF.key: {"error": "none"}})


def test_a_job_knows_a_results_link_before_the_file_is_stored(
    client, media_root, converted, monkeypatch
):
    """Else a worker that is killed then leaves a file that no attempt removes."""
    seen: list[tuple[bool, dict]] = []
    store_as = storage.store_as

    def look_and_store(name, path):
        known = [downloads.peek(token).name for token in progress.tokens(JOB)]
        seen.append((name in known, client.get(f"/jobs/{JOB}/").json()))
        store_as(name, path)

    monkeypatch.setattr(storage, "store_as", look_and_store)
    client.post("/convert/", {"video": clip_file(), "job_id": JOB})
    [(is_known, job)] = seen
    assert is_known
    assert "converted_url" not in job
