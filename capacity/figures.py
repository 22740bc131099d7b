"""Prices and quotas, each with its source and date. Nobody here asked AWS: look up those of your account and region."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Figure:
    """A price or a quota; where sources differ, ``low`` and ``high`` are the ends of the range."""

    what: str
    low: float
    high: float
    unit: str
    source: str
    date: str
    is_known: bool = True
    """Whether it is the same for every account and model."""

    def shown(self) -> str:
        """Return the value as text."""
        if self.low == self.high:
            return f"{self.low:,.10g}"
        return f"{self.low:,.10g} to {self.high:,.10g}"


def _price(what: str, dollars: float, unit: str, source: str, *, is_known: bool = True) -> Figure:
    return Figure(what, dollars, dollars, f"USD per {unit}", source, "2026-11", is_known)


def _quota(what: str, low: float, high: float, unit: str, source: str, date: str, *, is_known: bool = True) -> Figure:  # noqa: PLR0913, PLR0917 - the columns of a table
    return Figure(what, low, high, unit, source, date, is_known)


FIGURES: Final[Mapping[str, Figure]] = {
    "input_price": _price("input tokens of Claude Haiku 4.5", 1, "million", "Anthropic's price list", is_known=False),
    "output_price": _price("output tokens of Claude Haiku 4.5", 5, "million", "Anthropic's price list", is_known=False),
    "cache_read_price": _price("input tokens read from the cache", 0.1, "million", "a tenth of the input, price list"),
    "cache_write_price": _price(
        "input tokens written to the cache", 1.25, "million", "1.25 times the input, price list"
    ),
    "lambda_price": _price("Lambda, arm64", 0.0000133334, "GB-second", "aws.amazon.com/lambda/pricing"),
    "invocation_price": _price("Lambda's invocations", 0.20, "million", "aws.amazon.com/lambda/pricing"),
    "gateway_price": _price("API Gateway's requests", 3.50, "million", "aws.amazon.com/api-gateway/pricing"),
    "trace_price": _price("X-Ray's traces", 5, "million", "aws.amazon.com/xray/pricing"),
    "log_price": _price("CloudWatch's logs", 0.50, "GB", "aws.amazon.com/cloudwatch/pricing"),
    "transfer_price": _price("bytes to the internet", 0.09, "GB", "aws.amazon.com/ec2/pricing/on-demand"),
    "burn_down": _quota(
        "output tokens count as",
        5,
        15,
        "tokens",
        "Bedrock user guide: 5; other reports: 10, 15",
        "2026-11",
        is_known=False,
    ),
    "tokens_per_minute": _quota(
        "the model's tokens",
        2_000_000,
        2_000_000,
        "tokens per minute",
        "an example of AWS's (aws/agent-toolkit-for-aws); see your Service Quotas",
        "2026-11",
        is_known=False,
    ),
    "tokens_per_day": _quota(
        "the model's tokens",
        2_880_000_000,
        2_880_000_000,
        "tokens per day",
        "1,440 times those of a minute; new accounts have less; see your Service Quotas",
        "2026-11",
        is_known=False,
    ),
    "concurrency": _quota(
        "Lambda's sandboxes",
        1_000,
        1_000,
        "per account and region",
        "Lambda quotas; some new accounts have 10",
        "2026-11",
    ),
    "gateway_rate": _quota(
        "API Gateway's requests", 10_000, 10_000, "per second, account and region", "API Gateway quotas", "2026-11"
    ),
    "full_speed": _quota("Lambda's response at full speed", 6_291_456, 6_291_456, "bytes", "Lambda guide", "2026-11"),
    "bandwidth": _quota(
        "Lambda's response after that", 2_097_152, 2_097_152, "bytes per second", "Lambda guide", "2026-11"
    ),
}
