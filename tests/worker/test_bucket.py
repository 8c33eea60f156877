"""Web and worker on different machines: separate MEDIA_ROOTs, one bucket (moto on loopback)."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployment import Deployment, system
from tests.support.files import ROOT, files_in
from tests.support.network import free_port
from tests.support.parts import with_free_box
from tests.support.waiting import PATIENCE_S, eventually

KEYS = {"S3_ACCESS_KEY_ID": "tests", "S3_SECRET_ACCESS_KEY": "tests", "S3_REGION": "us-east-1"}
LINK_S = 300  # longer than any test, so that a slow machine's links don't expire


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[str, object]]:
    """Run an S3 server with an empty bucket; yield (address, bucket)."""
    import boto3  # here, because importing it slows down the collection of tests

    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, **quiet)
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return urllib.request.urlopen(f"{address}/moto-api/", timeout=5).status == 200
        except OSError:
            return False

    try:
        assert eventually(answers)
        s3 = boto3.resource(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id="tests",
            aws_secret_access_key="tests",
        )
        yield address, s3.create_bucket(Bucket="chromi")
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def machines(tmp_path_factory, bucket) -> Iterator[Deployment]:
    """Run a web server that stores its files in the bucket."""
    environment = {"S3_BUCKET": "chromi", "S3_ENDPOINT_URL": bucket[0], **KEYS}
    folder = tmp_path_factory.mktemp("web")
    with system(folder, MACHINES="2", DOWNLOAD_TTL=str(LINK_S), **environment) as deployment:
        yield deployment


def names_in(bucket) -> list[str]:
    return sorted(item.key for item in bucket[1].objects.all())


def test_two_machines_convert_through_the_bucket_and_leave_it_empty(
    machines, bucket, short_clip, tmp_path
):
    elsewhere = tmp_path / "worker"
    job_id = machines.client.enqueue(short_clip)
    assert [name.split("/")[0] for name in names_in(bucket)] == ["uploads"]
    owner = [
        grant["Grantee"].get("URI")
        for item in bucket[1].objects.all()
        for grant in item.Acl().grants
    ]
    assert owner == [None]  # private: a public grant has the URI of a group

    with machines.worker("--burst", MEDIA_ROOT=str(elsewhere)) as worker:
        record = machines.client.outcome(job_id)
        assert machines.client.fetch(record["converted_url"])[1][:6] == b"GIF89a"
        assert machines.client.fetch(record["converted_url"])[0] == 404
        worker.process.wait(PATIENCE_S)
    assert eventually(lambda: names_in(bucket) == [])
    assert files_in(machines.media) == files_in(elsewhere) == []
    assert machines.broker.client().zcard("chromi:expiring") == 0


def test_a_part_of_a_64_gib_file_is_converted_through_the_bucket(
    machines, bucket, short_clip, tmp_path
):
    size, part = 64 << 30, tmp_path / "part.mp4"
    part.write_bytes(with_free_box(short_clip.read_bytes(), size=size))
    sent = part.stat().st_size
    layout = json.dumps({"size": size, "ranges": [[0, sent]]})
    job_id = machines.client.enqueue(part, layout=layout)
    assert [item.size for item in bucket[1].objects.all()] == [sent]
    with machines.worker("--burst", MEDIA_ROOT=str(tmp_path / "worker")) as worker:
        record = machines.client.outcome(job_id)
        assert machines.client.fetch(record["converted_url"])[1][:6] == b"GIF89a"
        worker.process.wait(PATIENCE_S)
    assert eventually(lambda: names_in(bucket) == [])


def test_an_unfetched_result_is_removed_from_the_bucket(machines, bucket, short_clip, tmp_path):
    job_id = machines.client.enqueue(short_clip)
    with machines.worker(MEDIA_ROOT=str(tmp_path / "worker")):
        machines.client.outcome(job_id)
        # The upload is removed just after the link is reported.
        assert eventually(lambda: [n.split("/")[0] for n in names_in(bucket)] == ["converted"])
        redis = machines.broker.client()
        expiring = dict(redis.zrange("chromi:expiring", 0, -1, withscores=True))
        assert max(expiring.values()) == pytest.approx(time.time() + LINK_S, abs=LINK_S / 2)
        redis.zadd("chromi:expiring", dict.fromkeys(expiring, 1))  # as if LINK_S had passed
        assert eventually(lambda: names_in(bucket) == [])


def test_a_name_that_the_bucket_refuses_to_delete_does_not_stop_the_worker(
    machines, bucket, short_clip, tmp_path
):
    machines.broker.client().zadd("chromi:expiring", {"../refused.mp4": 1})
    job_id = machines.client.enqueue(short_clip)
    with machines.worker(MEDIA_ROOT=str(tmp_path / "worker")) as worker:
        record = machines.client.outcome(job_id)
        assert record["status"] == "finished"
        assert worker.process.poll() is None
        machines.client.fetch(record["converted_url"])
    machines.broker.client().zrem("chromi:expiring", "../refused.mp4")
    assert eventually(lambda: names_in(bucket) == [])


def test_a_canceled_upload_is_removed_from_the_bucket(machines, bucket, short_clip):
    machines.client.cancel(machines.client.enqueue(short_clip))
    assert names_in(bucket) == []


@pytest.mark.parametrize(
    ("environment", "errors"),
    [
        (
            {"MACHINES": "2", "REDIS_URL": "redis://127.0.0.1:9/0"},
            ["converter.E003", "The check redis fails"],
        ),
        (
            {"S3_BUCKET": "chromi", "USE_RQ": "False", "MEDIA_ROOT": "/proc"},
            ["converter.E004", "The check media fails"],
        ),
        (
            {"S3_BUCKET": "not-there", "IMAGEIO_FFMPEG_EXE": "/nowhere/ffmpeg"},
            ["converter.E005", "The check ffmpeg fails"],
        ),
    ],
)
def test_a_misconfigured_deployment_does_not_start(machines, bucket, tmp_path, environment, errors):
    """All errors are reported at once."""
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "chrome_background_converter.settings",
        "USE_RQ": "True",
        "REDIS_URL": machines.broker.url,
        "MEDIA_ROOT": str(tmp_path),
        "S3_ENDPOINT_URL": bucket[0],
        **KEYS,
        **environment,
    }
    command = [sys.executable, "manage.py", "rqworker", "--burst"]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 1, done.stderr
    assert [error for error in errors if error not in done.stderr] == [], done.stderr
    assert not Path(tmp_path, "uploads").exists()
