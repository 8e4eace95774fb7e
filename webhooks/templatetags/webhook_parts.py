"""What the pages of messages, events and counts are made of, beside `page_parts`."""

from datetime import UTC, datetime

from django import template
from django.template.context import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.found import access_of
from integrations.integration_forms import IntegrationForms
from integrations.listed import Listed
from integrations.models import EnvironmentMapping, IdentityMapping, SentryIntegration
from webhooks import problems
from webhooks.masking import mask_text
from webhooks.pages import numbers
from webhooks.pages.pipeline import Overview, overview_of
from webhooks.pages.previewing import Preview, Suggestions, preview_of, suggestions_of
from webhooks.pages.row_counts import RowCount, RowCounts
from webhooks.reasons import reason_words

register = template.Library()


@register.simple_tag(takes_context=True)
def clock(context: Context, at: datetime | None, precision: str = "ms") -> SafeString:
    """A time in the reader's zone to the millisecond ("ms") or second ("s"), with the date when it is not today's."""
    if at is None:
        return SafeString("")
    local = at.astimezone(getattr(context.get("page"), "timezone", UTC))
    return format_html(
        '<time datetime="{}" title="{} {}">{}</time>',
        f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        f"{local:%Y-%m-%d %H:%M:%S.%f}",
        local.tzname() or "UTC",
        _clock_words(local, precision),
    )


@register.simple_tag(takes_context=True)
def clock_text(context: Context, at: datetime) -> str:
    """A time as `clock` says it, to the second, for where no markup may stand."""
    return _clock_words(at.astimezone(getattr(context.get("page"), "timezone", UTC)), "s")


def _clock_words(local: datetime, precision: str) -> str:
    words = f"{local:%H:%M:%S}" + (f".{local.microsecond // 1000:03}" if precision == "ms" else "")
    is_today = local.date() == timezone.now().astimezone(local.tzinfo).date()
    return words if is_today else f"{local.day} {local:%b}, {words}"


@register.simple_tag(takes_context=True)
def field_time(context: Context, at: datetime | None) -> str:
    """A time as a field of a form holds it, in the reader's zone."""
    return f"{at.astimezone(getattr(context.get('page'), 'timezone', UTC)):%Y-%m-%dT%H:%M}" if at else ""


@register.filter
def number(value: float | None) -> str:
    """A count with separators, as in 12,480."""
    return "" if value is None else f"{value:,}"


register.filter("mask_text", mask_text)


@register.filter
def first_sentence(text: str) -> str:
    """What is so, without what to do about it: for rows of a log, which say the same many times."""
    return text.partition(". ")[0]


@register.filter
def reason(code: str, subject: str = "") -> str:
    """The few words of a skip code."""
    return reason_words(code, subject)


@register.filter
def of_key(values: dict[object, object], key: object) -> object:
    """What a map holds under a key."""
    return values.get(key)


@register.filter
def of_environment(counts: RowCounts, row: EnvironmentMapping) -> RowCount:
    """What came through a row of environments."""
    return counts.by_environment[row.sentry_environment]


@register.filter
def of_identity(counts: RowCounts, row: IdentityMapping) -> RowCount:
    """What came through a row of identities."""
    return counts.by_path[row.path, row.traffic_type.name]


@register.simple_tag
def list_numbers(rows: list[tuple[SentryIntegration, object, object]]) -> numbers.ListNumbers:
    """What the list of integrations counts, for all of them at once."""
    return numbers.list_numbers([row[0] for row in rows])


@register.simple_tag(takes_context=True)
def overview(context: Context, integration: SentryIntegration) -> Overview:
    """The numbers of an integration's page, of the time in the address."""
    return overview_of(integration, context["request"].GET, getattr(context.get("page"), "timezone", UTC))


@register.simple_tag(takes_context=True)
def open_problems(context: Context, integration: SentryIntegration | None = None) -> int:
    """How many problems are open that the reader may see."""
    return problems.count_open(access_of(context["request"]), integration)


@register.simple_tag(takes_context=True)
def mapping_preview(
    context: Context, forms: IntegrationForms, integration: SentryIntegration | None
) -> Preview:
    """What the form, as it stands, makes of a message."""
    return preview_of(context["request"], forms, integration)


@register.simple_tag(takes_context=True)
def suggestions(
    context: Context, forms: IntegrationForms, integration: SentryIntegration | None, listed: Listed
) -> Suggestions:
    """What Sentry lists, and what recent messages suggest to type."""
    return suggestions_of(context["request"], forms, integration, listed)
