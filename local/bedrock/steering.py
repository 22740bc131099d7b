"""What Bedrock refuses in the members that steer a Claude: ``thinking`` and ``output_config.effort``.

User guide, adaptive thinking; platform.claude.com, effort; anthropics/claude-code#81084, coder/coder#25356, and the
published sentences of wordings.py. Where sources differ, the stand-in takes it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .claude import ALL_EFFORTS, Takes, takes
from .thinking import Display
from .wordings import PREFIX

BUDGET_LEAST: Final = 1_024
"""Tokens (user guide, extended thinking)."""
_WITHOUT_THINKING: Final = frozenset({"disabled", "between_tools"})


def broken_steering(model_id: str, body: Mapping[str, Any], *, forced: bool) -> Iterator[str]:
    """Yield the service's sentence for each rule that a request breaks; ``forced``: it must call a tool."""
    fields = body.get("additionalModelRequestFields") or {}
    if "claude" not in model_id:
        for name in ("thinking", "output_config"):
            if name in fields:
                yield (
                    f"{PREFIX}Malformed input request: #: extraneous key [{name}] is not permitted, please reformat "
                    "your input and try again."
                )
        return
    taken = takes(model_id)
    effort = (fields.get("output_config") or {}).get("effort")
    thinking = fields.get("thinking")
    if effort is not None:
        yield from (f"{PREFIX}{reason}" for reason in _effort(effort, taken, fields.get("anthropic_beta") or []))
    if thinking is not None:
        inference = body.get("inferenceConfig") or {}
        reasons = _thinking(thinking, taken, effort, inference, forced=forced)
        yield from (f"{PREFIX}{reason}" for reason in reasons)


def _effort(effort: object, taken: Takes, betas: list[str]) -> Iterator[str]:
    known = not taken.effort_beta or taken.effort_beta in betas
    if not taken.efforts or not known:
        yield "output_config.effort: Extra inputs are not permitted"
    elif effort in taken.efforts:
        return
    elif effort in ALL_EFFORTS and not taken.effort_beta:
        levels = ", ".join(sorted(taken.efforts))
        yield f"This model does not support effort level '{effort}'. Supported levels: {levels}."
    else:
        *front, last = (f"'{word}'" for word in taken.efforts)
        yield f"output_config.effort: Input should be {', '.join(front)} or {last}"


def _thinking(
    thinking: Mapping[str, Any], taken: Takes, effort: object, inference: Mapping[str, Any], *, forced: bool
) -> Iterator[str]:
    kind = thinking.get("type")
    if kind not in taken.thinking:
        yield _unknown_type(kind, taken)
    elif kind in _WITHOUT_THINKING:
        if effort is not None and effort not in taken.efforts_without_thinking:
            yield (
                f"output_config.effort '{effort}' is not supported when thinking is disabled on this model. "
                f"Use effort '{taken.efforts_without_thinking[-1]}' or below, or enable thinking."
            )
    else:
        if thinking.get("display", Display.OMITTED) not in set(Display):
            yield f"thinking.{kind}.display: Input should be {' or '.join(repr(each.value) for each in Display)}"
        if kind == "enabled":
            yield from _budget(thinking.get("budget_tokens"), inference.get("maxTokens"), forced=forced)
        if inference.get("temperature") not in {None, 1}:
            yield "`temperature` may only be set to 1 when thinking is enabled."


def _unknown_type(kind: object, taken: Takes) -> str:
    if kind == "enabled":
        return (
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
            '"output_config.effort" to control thinking behavior.'
        )
    if kind == "disabled":
        return '"thinking.type.disabled" is not supported for this model.'
    tags = ", ".join(f"'{tag}'" for tag in sorted(taken.thinking))
    return f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags: {tags}"


def _budget(budget: object, limit: object, *, forced: bool) -> Iterator[str]:
    if not isinstance(budget, int) or budget < BUDGET_LEAST:
        yield f"thinking.enabled.budget_tokens: Input should be greater than or equal to {BUDGET_LEAST}"
    elif isinstance(limit, int) and limit <= budget:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    if forced:
        yield "Thinking may not be enabled when tool_choice forces tool use."
