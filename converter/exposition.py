"""Write the text of /metrics: the stored counts and the current state of queue and machine."""

from collections import defaultdict
from collections.abc import Iterator

from django.conf import settings
from django.utils.crypto import constant_time_compare
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from chrome_background_converter import VERSION
from converter import health, jobs, metrics, storage

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

COUNTERS = {
    metrics.REQUESTS: ("Requests answered.", ["view", "status"]),
    metrics.REFUSALS: ("Requests refused, by the code in the answer.", ["code"]),
    metrics.CONVERSIONS: ("Conversions that ended.", ["mode", "outcome"]),
    metrics.UPLOADED: ("Bytes of uploads received.", []),
    metrics.DOWNLOADS: ("Transfers of results.", ["file", "outcome"]),
    metrics.DOWNLOADED: ("Bytes of results sent.", ["file"]),
}


def is_allowed(authorization: str) -> bool:
    """Return whether the Authorization header contains METRICS_TOKEN; True if no token is set."""
    token = settings.METRICS_TOKEN
    return not token or constant_time_compare(authorization, f"Bearer {token}")


def text() -> bytes:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Metrics())
    return generate_latest(registry)


class _Metrics(Collector):
    def collect(self) -> Iterator[Metric]:
        """Yield this machine's metrics, and the others if the store of the counts answers."""
        yield from _machine()
        try:
            counts, queue = metrics.stored(), list(_queue())
        except metrics.store_errors():
            return
        yield from queue
        yield from _counters(counts)
        yield _stages(counts)


def _machine() -> Iterator[Metric]:
    yield InfoMetricFamily("chromi", "", value={"version": VERSION, "mode": jobs.mode()})
    healthy = health.failing() is None
    yield GaugeMetricFamily("chromi_healthy", "1 if /health/ answers 200.", value=healthy)
    free = storage.free_bytes()
    yield GaugeMetricFamily("chromi_disk_free_bytes", "Free on MEDIA_ROOT's disk.", value=free)


def _queue() -> Iterator[Metric]:
    state = jobs.state()
    running = storage.running_conversions() if state is None else state.running
    text = "Conversions that run now."
    yield GaugeMetricFamily("chromi_conversions_running", text, value=running)
    text = "Results whose links have not been used."
    yield GaugeMetricFamily(
        "chromi_downloads_outstanding", text, value=storage.count(storage.CONVERTED)
    )
    if state is not None:
        text = "Jobs that wait for a worker."
        yield GaugeMetricFamily("chromi_queue_jobs", text, value=state.waiting)
        text = "Seconds since the first of them was sent."
        yield GaugeMetricFamily("chromi_queue_oldest_seconds", text, value=state.oldest_s)
        text = "Workers that reported lately."
        yield GaugeMetricFamily("chromi_workers", text, value=state.workers)


def _counters(counts: metrics.Counts) -> Iterator[Metric]:
    for metric, (text, labels) in COUNTERS.items():
        family = CounterMetricFamily(metric, text, labels=labels)
        for (name, *values), count in sorted(counts.items()):
            if name == metric:
                family.add_metric(values, count)
        yield family


def _stages(counts: metrics.Counts) -> Metric:
    stages: dict[str, dict[str, float]] = defaultdict(dict)
    for (name, *values), count in counts.items():
        if name == metrics.STAGE_SECONDS:
            stage, part = values
            stages[stage][part] = count
    text = "Seconds that jobs spent in each stage; queue: waiting for a worker."
    family = HistogramMetricFamily(metrics.STAGE_SECONDS, text, labels=["stage"])
    for stage, parts in sorted(stages.items()):
        total, buckets = 0.0, []
        for bound in [*map(str, metrics.BUCKETS_S), "+Inf"]:
            total += parts.get(bound, 0)
            buckets.append((bound, total))
        family.add_metric([stage], buckets, sum_value=parts["sum"])
    return family
