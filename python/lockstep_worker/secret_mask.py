"""Takes secrets out of what is told by the way, with the same mark as the host."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

MASK: Final = "[secret]"


def mask_text(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets, as they are and as they stand in JSON; of those that overlap nothing is left."""
    places: list[list[int]] = []
    for form in _forms(secrets):
        start = text.find(form)
        while start >= 0:
            places.append([start, start + len(form)])
            start = text.find(form, start + 1)
    if not places:
        return text
    masked: list[str] = []
    rest = 0
    for start, end in sorted(places):
        if start >= rest:
            masked += (text[rest:start], MASK)
        rest = max(rest, end)
    return "".join((*masked, text[rest:]))


def mask_value(value: Any, secrets: Iterable[str]) -> Any:
    """Return plain data without secrets in its texts."""
    if type(value) is str:
        return mask_text(value, secrets)
    if type(value) is list or type(value) is tuple:
        return [mask_value(item, secrets) for item in value]
    if type(value) is dict:
        return {mask_value(key, secrets): mask_value(item, secrets) for key, item in value.items()}
    return value


def _forms(secrets: Iterable[str]) -> set[str]:
    known = [secret for secret in secrets if secret]
    return {*known, *(json.dumps(secret, ensure_ascii=False)[1:-1] for secret in known)}
