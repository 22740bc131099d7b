"""Alarms and the dashboard. The function's own metrics have the dimensions [function] and [function, outcome]."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from ..arguments import DashboardArgs
from ..iam.document import Place
from ..options import OUTCOMES, Options
from .scope import Scope

NAMESPACE: Final = "StreamingLlm"
PERIOD: Final = 300
"""Seconds that one point of a metric stands for."""


@dataclass(frozen=True)
class Watched:
    """What alarms and dashboard look at, by name."""

    function: str
    api: str
    stage: str


@dataclass(frozen=True)
class Metric:
    """One exact metric."""

    namespace: str
    name: str
    dimensions: dict[str, str]


def of_function(watched: Watched, name: str) -> Metric:
    """Return a metric that Lambda keeps of the function."""
    return Metric("AWS/Lambda", name, {"FunctionName": watched.function})


def of_api(watched: Watched, name: str) -> Metric:
    """Return a metric that API Gateway keeps of the stage."""
    return Metric("AWS/ApiGateway", name, {"ApiName": watched.api, "Stage": watched.stage})


def of_requests(watched: Watched, name: str, outcome: str | None = None) -> Metric:
    """Return a metric that the function writes of its requests, of all or of one outcome."""
    dimensions = {"function": watched.function}
    return Metric(NAMESPACE, name, dimensions if outcome is None else {**dimensions, "outcome": outcome})


@dataclass(frozen=True)
class Alarm:
    """When to wake somebody."""

    name: str
    metric: Metric
    statistic: str
    threshold: float
    says: str


def alarms(options: Options, watched: Watched) -> list[Alarm]:
    """Return the alarms: answers that failed, calls that were throttled, answers near their time, broken streams."""
    margin = min(10.0, options.timeout / 5)  # as the function keeps it for its own ending
    near_limit = round((options.timeout - margin) * 0.9 * 1000)
    return [
        Alarm("5xx", of_api(watched, "5XXError"), "Average", 0.05, "More than 5 % of the answers are 5xx."),
        Alarm("throttles", of_function(watched, "Throttles"), "Sum", 0, "Calls of the function were throttled."),
        Alarm(
            "duration",
            of_function(watched, "Duration"),
            "Maximum",
            near_limit,
            f"An answer took more than {near_limit / 1000:.0f} s; at {options.timeout - margin:.0f} s it is ended.",
        ),
        Alarm(
            "not-completed",
            of_requests(watched, "NotCompleted"),
            "Average",
            0.05,
            "More than 5 % of the streams did not end with a whole, valid answer.",
        ),
    ]


def declare_alarms(scope: Scope, options: Options, watched: pulumi.Output[Watched]) -> None:
    """Declare the alarms, if there is a topic for them."""
    if options.alarm_topic is None:
        return
    for number, alarm in enumerate(alarms(options, Watched("", "", ""))):
        aws.cloudwatch.MetricAlarm(
            scope.child(f"alarm-{alarm.name}"),
            alarm_description=alarm.says,
            namespace=alarm.metric.namespace,
            metric_name=alarm.metric.name,
            dimensions=watched.apply(partial(_dimensions, options, number)),
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


def _dimensions(options: Options, number: int, watched: Watched) -> dict[str, str]:
    return alarms(options, watched)[number].metric.dimensions


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


def body(watched: Watched, region: str, prices: DashboardArgs) -> dict[str, object]:
    """Return the dashboard's JSON (CloudWatch API reference, "Dashboard body structure and syntax")."""
    every_outcome = [*OUTCOMES, "rejected"]
    shown = [
        _graph("Requests", region, [_line(of_requests(watched, "Requests"), "Sum")]),
        _graph(
            "Outcomes",
            region,
            [_line(of_requests(watched, "Requests", it), "Sum", label=it) for it in every_outcome],
            stacked=True,
        ),
        _graph("Time to first chunk (ms)", region, _percentiles(of_requests(watched, "TimeToFirstChunk"))),
        _graph("Duration (ms)", region, _percentiles(of_requests(watched, "Duration"))),
        _graph(
            "Tokens",
            region,
            [_line(of_requests(watched, name), "Sum") for name in ("InputTokens", "OutputTokens")],
        ),
        _graph("Estimated cost of the model (USD)", region, _cost(watched, prices)),
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


def _line(metric: Metric, statistic: str, **options: object) -> list[object]:
    dimensions = [word for pair in metric.dimensions.items() for word in pair]
    return [metric.namespace, metric.name, *dimensions, {"stat": statistic, **options}]


def _percentiles(metric: Metric) -> list[list[object]]:
    return [_line(metric, statistic, label=statistic) for statistic in ("p50", "p90", "p99")]


def _cost(watched: Watched, prices: DashboardArgs) -> list[list[object]]:
    inputs, outputs = prices.get("input_price", 1), prices.get("output_price", 5)
    expression = f"(tokensIn * {inputs} + tokensOut * {outputs}) / 1000000"
    return [
        [{"expression": expression, "id": "cost", "label": "USD"}],
        _line(of_requests(watched, "InputTokens"), "Sum", id="tokensIn", visible=False),
        _line(of_requests(watched, "OutputTokens"), "Sum", id="tokensOut", visible=False),
    ]
