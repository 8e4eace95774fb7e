"""Small parts of the sandbox's pages: icons, coloured JSON, moments."""

import json
import re
import time
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d[\d.eE+-]*)')


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the sprite, for the eye only."""
    sprite = static("icons.svg")
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', sprite, name)


@register.filter
def pretty(value: Any) -> SafeString:
    """JSON with line breaks, texts, numbers and words in colours."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    parts, last = [], 0
    for match in TOKEN.finditer(text):
        parts.append(escape(text[last : match.start()]))
        parts.append(_coloured(match))
        last = match.end()
    parts.append(escape(text[last:]))
    return mark_safe("".join(parts))  # noqa: S308 - every part is escaped above


@register.filter
def moment(seconds: float | None) -> SafeString:
    """Unix seconds as a time element, UTC."""
    if seconds is None:
        return SafeString("")
    exact = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
    machine = exact.replace(" ", "T") + "Z"
    return format_html('<time datetime="{}" title="{} UTC">{}</time>', machine, exact, exact[11:])


def _coloured(match: re.Match[str]) -> SafeString:
    text, colon, word, number = match.groups()
    if text is not None and colon is not None:
        return escape(text + colon)
    if text is not None:
        return format_html('<span class="s">{}</span>', text)
    if number is not None:
        return format_html('<span class="d">{}</span>', number)
    return format_html('<span class="{}">{}</span>', "x" if word == "null" else "w", word)
