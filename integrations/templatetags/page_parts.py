"""What every page is made of: icons, states in words, fields, times; markup only, no queries."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from django import template
from django.forms import BoundField
from django.template.context import Context
from django.template.loader import get_template
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.states import Status

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One symbol of the sprite; decoration, so hidden from screen readers."""
    css = f"icon {extra}".strip()
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', css, static("icons.svg"), quote(name)
    )


@register.simple_tag
def route(name: str, *arguments: Any) -> str:
    """The address of a page, or nothing where no such page is mounted."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def part(context: Context, name: str) -> str:
    """A part of the page that another package may bring; nothing without it."""
    try:
        found = get_template(name)
    except template.TemplateDoesNotExist:
        return ""
    return found.template.render(context)  # type: ignore[attr-defined,no-any-return] # the Django backend's own


@register.inclusion_tag("_status.html")
def status(state: Status, shape: str = "") -> dict[str, Any]:
    """A state as word and icon; `shape` "pill" in page heads."""
    return {"state": state, "shape": shape}


@register.inclusion_tag("_field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """Label, control, error and help of one field, tied together by their ids."""
    return {"field": bound}


@register.simple_tag(takes_context=True)
def moment(context: Context, at: datetime | None, style: str = "date") -> SafeString:
    """A time in the reader's zone: `date` as "2 Nov, 09:14", `ago` as "5 min ago", which can be focused.

    The exact time shows on hover, and on focus where the words hide it.
    """
    if at is None:
        return SafeString("")
    local = at.astimezone(getattr(context.get("page"), "timezone", UTC))
    words = _ago(at) if style == "ago" else _date(local)
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        SafeString(' tabindex="0"' if style == "ago" else ""),
        words,
    )


def _date(local: datetime) -> str:
    year = "" if local.year == timezone.now().astimezone(local.tzinfo).year else f" {local.year}"
    return f"{local.day} {local:%b}{year}, {local:%H:%M}"


def _ago(at: datetime) -> str:
    passed = timezone.now() - at
    ahead, passed = passed < timedelta(0), abs(passed)
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed.total_seconds() >= seconds:
            amount = f"{int(passed.total_seconds() // seconds)} {unit}"
            break
    else:
        amount = f"{int(passed.total_seconds())} s"
    return f"in {amount}" if ahead else f"{amount} ago"
