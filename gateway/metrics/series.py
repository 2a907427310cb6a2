"""Plain numbers become the families of `names`, in the shape that prometheus_client writes."""

from collections.abc import Iterable
from itertools import accumulate

from prometheus_client.metrics_core import Metric
from prometheus_client.utils import floatToGoString

from gateway.metrics.names import COUNTER, Family
from resolvers.upstream.durations import Durations

Series = Iterable[tuple[tuple[str, ...], float]]
"""Values by those of the labels, in the order of the family's."""

Histograms = Iterable[tuple[tuple[str, ...], Durations]]


def family(of: Family, series: Series) -> Metric:
    """A counter or a gauge with these values."""
    metric = _metric(of)
    for values, value in series:
        metric.add_sample(of.name, _labelled(of, values), value)
    return metric


def single(of: Family, value: float) -> Metric:
    """A counter or a gauge that has no labels."""
    return family(of, [((), value)])


def histogram(of: Family, series: Histograms) -> Metric:
    """A histogram; its buckets hold what took so long, or less."""
    metric = _metric(of)
    for values, durations in series:
        labels = _labelled(of, values)
        bounds = [*map(floatToGoString, durations.bounds_s), "+Inf"]
        for bound, count in zip(bounds, accumulate(durations.counts), strict=True):
            metric.add_sample(f"{of.name}_bucket", {**labels, "le": bound}, count)
        metric.add_sample(f"{of.name}_count", labels, durations.count)
        metric.add_sample(f"{of.name}_sum", labels, durations.sum_s)
    return metric


def _metric(of: Family) -> Metric:
    name = of.name.removesuffix("_total") if of.kind == COUNTER else of.name
    return Metric(name, of.about, of.kind)


def _labelled(of: Family, values: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(of.labels, values, strict=True))
