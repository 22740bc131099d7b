"""Alarms and the dashboard. They read the function's own metrics by [function] and by [function, outcome].

Every stack has these dimensions. Where there are routes, the function writes each value by route as well.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from ..contract import METRICS_NAMESPACE, Outcome, margin
from ..iam.document import Place
from ..options import Dashboard, Options, Prices
from .scope import Scope

PRICED: Final = ("InputTokens", "OutputTokens", "CacheReadTokens", "CacheWriteTokens")
"""The metrics of tokens that have a price of their own; those of thinking are output tokens."""
PERIOD: Final = 300
"""Seconds that one data point of a metric covers."""


@dataclass(frozen=True)
class Watched:
    """The names of the resources that the alarms and the dashboard observe."""

    function: str
    api: str
    stage: str


@dataclass(frozen=True)
class Metric:
    """A CloudWatch metric."""

    namespace: str
    name: str
    dimensions: Callable[[Watched], dict[str, str]]
    """Returns the dimensions; their values are names that only the deployment knows."""


def of_function(name: str) -> Metric:
    """Return a metric of the function that Lambda writes."""
    return Metric("AWS/Lambda", name, lambda watched: {"FunctionName": watched.function})


def of_api(name: str) -> Metric:
    """Return a metric of the stage that API Gateway writes."""
    return Metric("AWS/ApiGateway", name, lambda watched: {"ApiName": watched.api, "Stage": watched.stage})


def of_requests(name: str, outcome: Outcome | None = None, model: str | None = None) -> Metric:
    """Return a metric of the requests that the function writes: of all of them, of one outcome, or of one model."""
    given = {"outcome": None if outcome is None else outcome.value, "model": model}
    of_some = {dimension: value for dimension, value in given.items() if value is not None}
    return Metric(METRICS_NAMESPACE, name, lambda watched: {"function": watched.function, **of_some})


@dataclass(frozen=True)
class Alarm:
    """A metric, and the value above which the topic is notified."""

    name: str
    metric: Metric
    statistic: str
    threshold: float
    description: str


def alarms(options: Options) -> list[Alarm]:
    """Return the alarms: failed responses, throttled calls, answers that take nearly too long, incomplete streams.

    Where models follow others, one more is for a model that the account cannot call: no request fails because of it.
    """
    deadline = options.timeout - margin(options.timeout, options.seconds_of_own_stages)
    near_limit = round(deadline * 0.9 * 1000)
    has_fallbacks = any(endpoint.fallback_models for endpoint in options.endpoints.values())
    unseen = Alarm(
        "model-misconfigured",
        of_requests("ModelsMisconfigured"),
        "Sum",
        0,
        "Bedrock refuses to call one of the models for this account; another one answers in its place.",
    )
    return [
        *([unseen] if has_fallbacks else []),
        Alarm("5xx", of_api("5XXError"), "Average", 0.05, "More than 5 % of the responses are 5xx."),
        Alarm("throttles", of_function("Throttles"), "Sum", 0, "Calls of the function were throttled."),
        Alarm(
            "duration",
            of_function("Duration"),
            "Maximum",
            near_limit,
            f"An answer took more than {near_limit / 1000:.0f} s; answers are cut off at {deadline:.0f} s.",
        ),
        Alarm(
            "not-completed",
            of_requests("NotCompleted"),
            "Average",
            0.05,
            "More than 5 % of the streams did not end with a complete, valid answer.",
        ),
    ]


def declare_alarms(scope: Scope, options: Options, watched: pulumi.Output[Watched]) -> None:
    """Declare the alarms, if there is a topic for them."""
    if options.alarm_topic is None:
        return
    for alarm in alarms(options):
        aws.cloudwatch.MetricAlarm(
            scope.child(f"alarm-{alarm.name}"),
            alarm_description=alarm.description,
            namespace=alarm.metric.namespace,
            metric_name=alarm.metric.name,
            dimensions=watched.apply(alarm.metric.dimensions),
            statistic=alarm.statistic,
            threshold=alarm.threshold,
            comparison_operator="GreaterThanThreshold",
            period=PERIOD,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=[options.alarm_topic],
            ok_actions=[options.alarm_topic],
            tags=scope.tags,
            opts=scope.options(),
        )


def declare_dashboard(
    scope: Scope,
    options: Options,
    watched: pulumi.Output[Watched],
    place: pulumi.Output[Place],
) -> pulumi.Output[str] | None:
    """Declare the dashboard, if one was asked for, and return its address."""
    prices = options.dashboard
    if prices is None:
        return None
    models = pulumi.Output.all(*options.called_models).apply(lambda found: list(dict.fromkeys(found)))
    dashboard = aws.cloudwatch.Dashboard(
        scope.child("dashboard"),
        dashboard_name=watched.apply(lambda found: found.function),
        dashboard_body=pulumi.Output.all(watched, place, models).apply(
            lambda given: json.dumps(body(given[0], given[1].region, prices, given[2])),
        ),
        opts=scope.options(),
    )
    return pulumi.Output.all(place, dashboard.dashboard_name).apply(
        lambda given: (
            f"https://{given[0].region}.console.aws.amazon.com/cloudwatch/home"
            f"?region={given[0].region}#dashboards/dashboard/{given[1]}"
        ),
    )


def body(watched: Watched, region: str, dashboard: Dashboard, models: Sequence[str]) -> dict[str, object]:
    """Return the dashboard's JSON (CloudWatch API reference, "Dashboard body structure and syntax").

    ``models`` are those that the function can call, each once.
    """

    def graph(title: str, metrics: Sequence[object], *, stacked: bool = False) -> dict[str, Any]:
        return _widget(title, region, metrics, stacked=stacked)

    def line(metric: Metric, statistic: str, **options: object) -> list[object]:
        return _metric_line(watched, metric, statistic, **options)

    def percentiles(metric: Metric) -> list[list[object]]:
        return [line(metric, statistic, label=statistic) for statistic in ("p50", "p90", "p99")]

    shown = [
        graph("Requests", [line(of_requests("Requests"), "Sum")]),
        graph(
            "Outcomes",
            [line(of_requests("Requests", outcome), "Sum", label=outcome.value) for outcome in Outcome],
            stacked=True,
        ),
        graph("Time to first chunk (ms)", percentiles(of_requests("TimeToFirstChunk"))),
        graph("Duration (ms)", percentiles(of_requests("Duration"))),
        graph("Tokens", [line(of_requests(name), "Sum") for name in (*PRICED, "ThinkingTokens")]),
        graph("Estimated cost of the model (USD)", _cost(watched, dashboard, models)),
    ]
    places = [
        {"x": 12 * (number % 2), "y": 6 * (number // 2), "width": 12, "height": 6} for number in range(len(shown))
    ]
    return {"widgets": [{**widget, **place} for widget, place in zip(shown, places, strict=True)]}


def _widget(title: str, region: str, metrics: Sequence[object], *, stacked: bool = False) -> dict[str, Any]:
    properties = {
        "title": title,
        "region": region,
        "metrics": metrics,
        "period": PERIOD,
        "view": "timeSeries",
        "stacked": stacked,
    }
    return {"type": "metric", "properties": properties}


def _metric_line(watched: Watched, metric: Metric, statistic: str, **options: object) -> list[object]:
    dimensions = [word for pair in metric.dimensions(watched).items() for word in pair]
    return [metric.namespace, metric.name, *dimensions, {"stat": statistic, **options}]


def _cost(watched: Watched, dashboard: Dashboard, models: Sequence[str]) -> list[list[object]]:
    """Return two lines per model. The cache's is apart: a sum of metrics of which one has no data has no value."""
    if len(models) == 1:  # whose tokens are those of the function, which has no metrics by model
        return _cost_of(watched, dashboard.of_model(models[0]), None)
    return [
        line
        for number, model in enumerate(models)
        for line in _cost_of(watched, dashboard.of_model(model), model, str(number))
    ]


def _cost_of(watched: Watched, prices: Prices, model: str | None, end: str = "") -> list[list[object]]:
    """Return the lines of a model, and the metrics that they are calculated from; ``end`` tells their ids apart."""
    label = "USD" if model is None else f"USD, {model}"
    ids = [f"{name}{end}" for name in ("tokensIn", "tokensOut", "tokensRead", "tokensWritten")]
    of_each = [prices.input, prices.output, prices.of_reads, prices.of_writes]
    costs = [f"{id_} * {price:.10g}" for id_, price in zip(ids, of_each, strict=True)]
    return [
        [{"expression": f"({' + '.join(costs[:2])}) / 1000000", "id": f"cost{end}", "label": label}],
        [{"expression": f"({' + '.join(costs[2:])}) / 1000000", "id": f"costOfCache{end}", "label": f"{label}, cache"}],
        *(
            _metric_line(watched, of_requests(name, model=model), "Sum", id=id_, visible=False)
            for name, id_ in zip(PRICED, ids, strict=True)
        ),
    ]
