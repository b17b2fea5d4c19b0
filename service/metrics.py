"""Prometheus metrics of all processes of one server.

Counters and histograms of every process are kept in files of `PROMETHEUS_MULTIPROC_DIR` (set by `serve`
before this is imported) and added up when asked for. What can be read from the database or the disk is read
at that moment, not counted along.
"""

import os
from collections.abc import Callable, Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from streetsight.service.settings import METRICS_FOLDER

UPLOADS = Counter("streetsight_uploads", "Photos sent, by what became of them", ["outcome"])
UPLOADED_BYTES = Counter("streetsight_uploaded_bytes", "Bytes of photos taken in")
REQUESTS = Histogram(
    "streetsight_request_duration_seconds", "Duration of requests", ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)  # fmt: skip
INFERENCE = Histogram(
    "streetsight_inference_duration_seconds", "One photo from bytes to detections", ["model", "stage"],
    buckets=(0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.4, 0.8, 1.6, 5),
)  # fmt: skip
JOBS = Counter("streetsight_jobs_ended", "Jobs by how their attempt ended", ["kind", "end"])

Gauge = tuple[str, str, dict[str, str], float]
"""Name, help, labels, value."""


class _AtThisMoment(Collector):
    def __init__(self, read: Callable[[], list[Gauge]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for name, text, labels, value in self._read():
            family = families.setdefault(name, GaugeMetricFamily(name, text, labels=list(labels)))
            family.add_metric(list(labels.values()), value)
        yield from families.values()


def exposition(gauges: Callable[[], list[Gauge]]) -> bytes:
    """All metrics in Prometheus' text format.

    Args:
        gauges: reads what is true at this moment.
    """
    now = CollectorRegistry()
    now.register(_AtThisMoment(gauges))
    counted: CollectorRegistry = REGISTRY
    if os.environ.get(METRICS_FOLDER):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    return generate_latest(counted) + generate_latest(now)
