"""CloudWatch's embedded metric format: what a line has to be for a metric to come of it.

docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Mapping
from typing import Any, Final

from jsonschema import Draft7Validator

SIZES: Final = [f"{prefix}{unit}" for unit in ("bytes", "bits") for prefix in ("", "Kilo", "Mega", "Giga", "Tera")]
AMOUNTS: Final = [size.capitalize() for size in SIZES] + ["Count"]
UNITS: Final = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Percent",
    "None",
    *AMOUNTS,
    *(f"{amount}/Second" for amount in AMOUNTS),
]

METRIC: Final = {
    "type": "object",
    "required": ["Name"],
    "additionalProperties": False,
    "properties": {
        "Name": {"type": "string", "minLength": 1, "maxLength": 1024},
        "Unit": {"enum": UNITS},
        "StorageResolution": {"enum": [1, 60]},
    },
}
DIRECTIVE: Final = {
    "type": "object",
    "required": ["Namespace", "Dimensions", "Metrics"],
    "additionalProperties": False,
    "properties": {
        "Namespace": {"type": "string", "minLength": 1, "maxLength": 1024},
        "Dimensions": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "array",
                "maxItems": 30,
                "uniqueItems": True,
                "items": {"type": "string", "minLength": 1, "maxLength": 250},
            },
        },
        "Metrics": {"type": "array", "minItems": 1, "maxItems": 100, "items": METRIC},
    },
}
DOCUMENT: Final = Draft7Validator(
    {
        "type": "object",
        "required": ["_aws"],
        "properties": {
            "_aws": {
                "type": "object",
                "required": ["Timestamp", "CloudWatchMetrics"],
                "properties": {
                    "Timestamp": {"type": "integer", "minimum": 0},
                    "CloudWatchMetrics": {"type": "array", "minItems": 1, "items": DIRECTIVE},
                },
            }
        },
    }
)
NUMBERS: Final = Draft7Validator(
    {"anyOf": [{"type": "number"}, {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "number"}}]}
)
DIMENSION: Final = Draft7Validator({"type": "string", "minLength": 1, "maxLength": 1024})


def check_emf(document: Mapping[str, Any]) -> None:
    """Hold a line to the schema, and to what a schema cannot say: whatever it names is one of its own members.

    Raises:
        jsonschema.ValidationError, KeyError: CloudWatch would make no metric of it, or not all.
    """
    DOCUMENT.validate(document)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            for name in names:
                DIMENSION.validate(document[name])
        for metric in directive["Metrics"]:
            NUMBERS.validate(document[metric["Name"]])
