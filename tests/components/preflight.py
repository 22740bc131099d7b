"""A preflight, answered as the gateway makes it of the recorded resources."""

from collections.abc import Mapping

import airspeed  # type: ignore[import-untyped]  # it ships no types

from tests.components.recording import Declared


def answer_to_preflight(declared: Declared, headers: Mapping[str, str]) -> dict[str, str]:
    """What the MOCK integration makes of a preflight: constant header fields, then what its template sets."""

    class Input:
        def params(self, name: str) -> str:
            return headers.get(name, "")

    mapping = declared.one("IntegrationResponse").inputs
    prefix = "method.response.header."
    answer = {key.removeprefix(prefix): text.strip("'") for key, text in mapping["responseParameters"].items()}
    assert set(mapping["responseParameters"]) <= set(declared.one("MethodResponse").inputs["responseParameters"])
    override: dict[str, str] = {}
    context = {"responseOverride": {"header": override}}
    for template in mapping.get("responseTemplates", {}).values():
        assert airspeed.Template(template).merge({"input": Input(), "context": context}).strip() == ""
    return answer | override
