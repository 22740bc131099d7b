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
from ..options import Dashboard, Options
from .scope import Scope

TOKENS: Final = ("InputTokens", "OutputTokens", "CacheReadTokens", "CacheWriteTokens")
"""The metrics that count tokens."""
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


def of_requests(name: str, outcome: Outcome | None = None) -> Metric:
    """Return a metric of the requests that the function writes: of all requests, or of those with one outcome."""
    of_outcome = {} if outcome is None else {"outcome": outcome.value}
    return Metric(METRICS_NAMESPACE, name, lambda watched: {"function": watched.function, **of_outcome})


@dataclass(frozen=True)
class Alarm:
    """A metric, and the value above which the topic is notified."""

    name: str
    metric: Metric
    statistic: str
    threshold: float
    description: str


def alarms(options: Options) -> list[Alarm]:
    """Return the alarms: failed responses, throttled calls, answers that take nearly too long, incomplete streams."""
    deadline = options.timeout - margin(options.timeout, options.seconds_of_own_stages)
    near_limit = round(deadline * 0.9 * 1000)
    return [
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
    dashboard = aws.cloudwatch.Dashboard(
        scope.child("dashboard"),
        dashboard_name=watched.apply(lambda found: found.function),
        dashboard_body=pulumi.Output.all(watched, place).apply(
            lambda given: json.dumps(body(given[0], given[1].region, prices)),
        ),
        opts=scope.options(),
    )
    return pulumi.Output.all(place, dashboard.dashboard_name).apply(
        lambda given: (
            f"https://{given[0].region}.console.aws.amazon.com/cloudwatch/home"
            f"?region={given[0].region}#dashboards/dashboard/{given[1]}"
        ),
    )


def body(watched: Watched, region: str, prices: Dashboard) -> dict[str, object]:
    """Return the dashboard's JSON (CloudWatch API reference, "Dashboard body structure and syntax")."""

    def graph(title: str, metrics: Sequence[object], *, stacked: bool = False) -> dict[str, Any]:
        return _graph(title, region, metrics, stacked=stacked)

    def line(metric: Metric, statistic: str, **options: object) -> list[object]:
        return _line(watched, metric, statistic, **options)

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
        graph("Tokens", [line(of_requests(name), "Sum") for name in TOKENS]),
        graph("Estimated cost of the model (USD)", _cost(watched, prices)),
    ]
    places = [
        {"x": 12 * (number % 2), "y": 6 * (number // 2), "width": 12, "height": 6} for number in range(len(shown))
    ]
    return {"widgets": [{**widget, **place} for widget, place in zip(shown, places, strict=True)]}


def _graph(title: str, region: str, metrics: Sequence[object], *, stacked: bool = False) -> dict[str, Any]:
    properties = {
        "title": title,
        "region": region,
        "metrics": metrics,
        "period": PERIOD,
        "view": "timeSeries",
        "stacked": stacked,
    }
    return {"type": "metric", "properties": properties}


def _line(watched: Watched, metric: Metric, statistic: str, **options: object) -> list[object]:
    dimensions = [word for pair in metric.dimensions(watched).items() for word in pair]
    return [metric.namespace, metric.name, *dimensions, {"stat": statistic, **options}]


def _cost(watched: Watched, prices: Dashboard) -> list[list[object]]:
    expression = f"(tokensIn * {prices.input_price} + tokensOut * {prices.output_price}) / 1000000"
    return [
        [{"expression": expression, "id": "cost", "label": "USD"}],
        _line(watched, of_requests("InputTokens"), "Sum", id="tokensIn", visible=False),
        _line(watched, of_requests("OutputTokens"), "Sum", id="tokensOut", visible=False),
    ]
