"""A worker converts: progress, links, cancel, a bad video."""

from tests.support.loops import SCREEN, check_same_blended_loop, lighter_clip
from tests.support.waiting import eventually


def test_progress_grows_and_the_link_works_once(deployment, worker, clip):
    job_id = deployment.client.enqueue(clip)
    seen = []
    eventually(
        lambda: seen.append(deployment.client.job(job_id)) or seen[-1]["status"] == "finished"
    )
    percents = [record["progress"] for record in seen]
    link = seen[-1]["converted_url"]
    status, gif = deployment.client.fetch(link)
    assert (status, gif[:6]) == (200, b"GIF89a")
    assert deployment.client.fetch(link)[0] == 404
    assert percents == sorted(percents)
    assert len(set(percents)) > 5
    assert {p for record in seen[:-1] for p in [record["progress"]]} <= set(range(100))
    assert {record["status"] for record in seen} == {"queued", "started", "finished"} or {
        record["status"] for record in seen
    } == {"started", "finished"}
    assert eventually(deployment.is_clean)


def test_the_theme_has_its_own_link(deployment, worker, short_clip):
    record = deployment.client.outcome(deployment.client.enqueue(short_clip, theme_for="96x64@1"))
    assert deployment.client.fetch(record["theme_url"])[1][:2] == b"PK"
    assert deployment.client.fetch(record["converted_url"])[1][:6] == b"GIF89a"
    assert eventually(deployment.is_clean)


def test_a_worker_blends_gif_picture_and_theme_in_the_same_way(deployment, worker, tmp_path):
    client, clip = deployment.client, lighter_clip(tmp_path / "lighter.mp4")
    job_id = client.enqueue(clip, loop="blend", picture=True, theme_for=SCREEN)
    record = client.outcome(job_id)
    check_same_blended_loop(
        tmp_path,
        gif=client.fetch(record["converted_url"])[1],
        picture=client.fetch(record["picture_url"])[1],
        theme=client.fetch(record["theme_url"])[1],
    )
    assert eventually(deployment.is_clean)


def test_a_bad_video_fails_with_its_message_and_is_not_retried(deployment, worker, tmp_path):
    text = tmp_path / "text.mp4"
    text.write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + bytes(1000))
    job_id = deployment.client.enqueue(text)
    record = deployment.client.outcome(job_id)
    assert (record["status"], record["code"]) == ("failed", "unreadable_video")
    assert "damaged" in record["error"]
    assert worker.log.count(f"conversions: {job_id}") == 1
    assert eventually(deployment.is_clean)


def test_a_job_is_followed_by_its_id_from_the_upload_to_the_download(
    deployment, worker, short_clip
):
    job_id = deployment.client.enqueue(short_clip)
    record = deployment.client.outcome(job_id)
    assert deployment.client.fetch(record["converted_url"])[0] == 200
    web = deployment.folder / "gunicorn.log"

    def events(log: str) -> list[str]:
        return [line.split()[5] for line in log.splitlines() if f" job={job_id} " in f"{line} "]

    assert eventually(lambda: events(web.read_text()) == ["enqueued", "downloaded"])
    assert events(worker.log) == ["started", "finished"]
    token = record["converted_url"].split("/")[2]
    assert token not in web.read_text() + worker.log
