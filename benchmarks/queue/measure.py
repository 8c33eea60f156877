"""20 clients enqueue 40 clips to 2 workers: is any lost or done twice, and does the web answer?

    .venv/bin/python -m benchmarks.queue.measure [--seconds 1] [--clients 20] [--workers 2]

Everything runs on loopback: a Redis-protocol server, gunicorn, the workers, the clients. Exit 1 if
a clip is lost or converted twice, or if the p99 of /health/ or /jobs/ reaches 250 ms.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from tests.support.deployment import Client, Deployment, WorkerProcess, system
from tests.support.ffmpeg import run_ffmpeg
from tests.support.files import files_in
from tests.support.waiting import eventually

CLIPS_A_CLIENT = 2
P99_LIMIT_MS = 250
POLL_S = 0.5
TRY_AGAIN_S = 0.3


class Clock:
    """How long requests took, by name, in ms."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}

    def timed(self, name: str, ask):
        began = time.perf_counter()
        answer = ask()
        self.times.setdefault(name, []).append((time.perf_counter() - began) * 1000)
        return answer

    def percentile(self, name: str, share: float) -> float:
        ordered = sorted(self.times[name])
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def enqueue(client: Client, clip: Path, clock: Clock) -> str:
    """The job's id, once the server had a place for the upload."""
    while True:
        status, _, body = clock.timed("POST", lambda: client.send(clip))
        answer = json.loads(body)
        if status == 202:
            return answer["job_id"]
        if answer["code"] != "busy":
            raise RuntimeError(answer)
        time.sleep(TRY_AGAIN_S)


def be_a_client(house: Deployment, clip: Path, clock: Clock, records: list[dict]) -> None:
    """Enqueue, poll until all have ended, fetch each once."""
    client = Client(house.address)
    waiting = [enqueue(client, clip, clock) for _ in range(CLIPS_A_CLIENT)]
    while waiting:
        time.sleep(POLL_S)
        for job_id in list(waiting):
            record = clock.timed("/jobs/", lambda job_id=job_id: client.job(job_id))
            if record["status"] in ("finished", "failed", "canceled"):
                waiting.remove(job_id)
                status, gif = client.fetch(record.get("converted_url", "/none/"))
                records.append(record | {"is_a_gif": (status, gif[:6]) == (200, b"GIF89a")})


def watch_health(house: Deployment, clock: Clock, done: threading.Event) -> None:
    while not done.wait(0.1):
        clock.timed("/health/", house.client.health)


def tree_megabytes(worker: WorkerProcess) -> float:
    """What a worker, its work horse and their ffmpeg hold; shared pages by halves (PSS)."""
    held = 0.0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(worker.process.pid)
        for process in [root, *root.children(recursive=True)]:
            held += process.memory_full_info().pss / 1e6
    return held


def watch_memory(workers: list[WorkerProcess], peaks: list[float], done: threading.Event) -> None:
    while not done.wait(0.2):
        peaks.append(max(tree_megabytes(worker) for worker in workers))


def web_megabytes(house: Deployment) -> float:
    """Resident memory of gunicorn's only worker process."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            is_web = process.environ().get("PORT") == house.address.rsplit(":", 1)[1]
            if is_web and process.parent().cmdline() == process.cmdline():
                return process.memory_info().rss / 1e6
    return 0.0


def run(house: Deployment, workers: list[WorkerProcess], clip: Path, clients: int) -> bool:
    """Measure and print; whether all is as promised."""
    clock, records, peaks, done = Clock(), [], [], threading.Event()
    idle, idle_worker = web_megabytes(house), tree_megabytes(workers[0])
    watchers = [
        threading.Thread(target=watch_health, args=(house, clock, done)),
        threading.Thread(target=watch_memory, args=(workers, peaks, done)),
    ]
    crowd = [
        threading.Thread(target=be_a_client, args=(house, clip, clock, records))
        for _ in range(clients)
    ]
    began = time.monotonic()
    for thread in [*watchers, *crowd]:
        thread.start()
    for thread in crowd:
        thread.join()
    seconds = time.monotonic() - began
    done.set()
    for thread in watchers:
        thread.join()

    wanted = clients * CLIPS_A_CLIENT
    ids = [r["id"] for r in records if r["status"] == "finished" and r["is_a_gif"]]
    conversions = sum(worker.log.count(" finished s=") for worker in workers)
    print(f"{wanted} clips, {clients} clients, {len(workers)} workers: {seconds:.0f} s,")
    print(f"{len(set(ids))} links delivered, {conversions} conversions")
    for name in ("/health/", "/jobs/", "POST"):
        p50, p99 = clock.percentile(name, 0.5), clock.percentile(name, 0.99)
        print(f"{name:9} {len(clock.times[name]):5} requests, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    print(f"web: {idle:.0f} MB resident when idle, {web_megabytes(house):.0f} MB afterwards")
    print(
        f"a worker: {idle_worker:.0f} MB when idle, {max(peaks):.0f} MB at most with its children"
    )
    is_clean = eventually(house.is_clean)
    print(f"left behind: {files_in(house.media)}")
    quick = all(clock.percentile(n, 0.99) < P99_LIMIT_MS for n in ("/health/", "/jobs/"))
    return len(set(ids)) == conversions == wanted and quick and is_clean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="length of each clip")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    # With one, nobody answers for a second when gunicorn replaces it (max_requests).
    parser.add_argument("--processes", type=int, default=2, help="of the web server")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="chromi-queue-") as name,
        contextlib.ExitStack() as all_,
    ):
        clip = Path(name, "clip.mp4")
        source = f"testsrc2=s=640x360:r=24:d={options.seconds}"
        run_ffmpeg("-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", str(clip))
        house = all_.enter_context(
            system(Path(name), WORKER_TTL="30", WEB_CONCURRENCY=str(options.processes))
        )
        workers = [all_.enter_context(house.worker()) for _ in range(options.workers)]
        for worker in workers:
            worker.wait_until_ready()
        is_kept = run(house, workers, clip, options.clients)
    sys.exit(not is_kept)


if __name__ == "__main__":
    main()
