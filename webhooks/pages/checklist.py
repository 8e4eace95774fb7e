"""The steps from an empty database to the first delivered track event; each ticks itself off."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Count as Counted
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.views.decorators.http import require_safe

from durable.models import State
from integrations.found import access_of
from integrations.models import CatalogueRefresh, Environment, SentryInstallation, ServiceHook
from integrations.roles import Access
from integrations.states import hook_status, integration_status, refresh_status
from webhooks.models import HourlyCount
from webhooks.problems import count_open
from webhooks.rollups import EVER, Count


@dataclass(frozen=True, slots=True)
class Step:
    """One step: done or not, what is known of it, and where it is done."""

    title: str
    words: str
    is_done: bool
    action: str = ""
    address: str = ""


@login_required
@require_safe
def checklist(request: HttpRequest) -> HttpResponse:
    """The set-up checklist."""
    access = access_of(request)
    steps = steps_for(access)
    done = sum(step.is_done for step in steps)
    following = next((place for place, step in enumerate(steps) if not step.is_done), None)
    context = {
        "steps": steps,
        "done": done,
        "left": len(steps) - done,
        "following": following,
        "meter": 100 * done // len(steps),
        "may_configure": access.writes_somewhere,
        "has_messages": steps[6].is_done,
        "problems": count_open(access),
    }
    return render(request, "webhooks/checklist.html", context)


def steps_for(access: Access) -> list[Step]:
    """Eight steps, of what this person may see; a constant number of queries."""
    integrations = access.integrations()
    projects = access.projects().filter(gone_at=None)
    environments = Environment.objects.filter(project__in=projects, gone_at=None)
    keys = environments.aggregate(all=Counted("pk"), set=Counted("pk", filter=~Q(sdk_key="")))
    mapped = environments.filter(environmentmapping__integration__in=integrations).distinct()
    missing = mapped.filter(sdk_key="").first()
    installation = SentryInstallation.objects.filter(deleted_at=None).exclude(token="").first()
    hooks = ServiceHook.objects.filter(integration__in=integrations, wanted="present")
    hooks = hooks.select_related("integration__project", "integration__installation")
    hook = hooks.exclude(confirmed_at=None).exclude(state=State.DEAD).first()
    ailing = None if hook else hooks.order_by("state", "pk").first()  # "dead" before "pending"
    counts = dict(
        HourlyCount.objects.filter(integration__in=integrations, hour=EVER)
        .values_list("name")
        .annotate(at=Counted("pk"))
    )
    return [
        _catalogue(projects.count(), keys["all"], access),
        _keys(keys["all"], keys["set"], missing),
        _app(),
        Step(
            "Installed in Sentry",
            f"Organization {installation.organization or 'unknown yet'}, token stored."
            if installation
            else "In Sentry: Organization Settings → Integrations → Harness FME → Accept & Install.",
            installation is not None,
            "See installations" if access.is_account_admin else "",
            reverse("installations"),
        ),
        Step(
            "Configure an integration",
            "Map environments and identities, paste three values, Save. About three minutes.",
            integrations.exists(),
            "Configure Sentry",
            reverse("integration_choose"),
        ),
        Step("Hook created at Sentry", *_no_hook(ailing, access))
        if ailing
        else Step("Hook created at Sentry", "Happens by itself after Save.", hook is not None),
        Step(
            "First exception received",
            "Throw one in your app, or send a test exception from the integration’s page.",
            Count.RECEIVED in counts,
            *_first_exception(hook, access),
        ),
        Step("First track event delivered", "Seen here seconds later, and in Harness FME.", Count.DELIVERED in counts),
    ]  # fmt: skip


def _no_hook(hook: ServiceHook, access: Access) -> tuple[str, bool, str, str]:
    """Why there is none yet and where that is mended, as the integration's page says it."""
    integration = hook.integration
    assert integration is not None  # hooks are looked up by their integration
    trouble = integration_status(integration)
    words = trouble.sentence if trouble.kind == "bad" else hook_status(hook).sentence
    if trouble.kind == "bad" and access.may_write(integration.project):
        return words, False, trouble.action, trouble.address
    return words, False, "See the integration", integration.get_absolute_url()


def _first_exception(hook: ServiceHook | None, access: Access) -> tuple[str, str]:
    """What to press for it: the test exception of the first integration that has a hook."""
    if hook and hook.integration and access.may_write(hook.integration.project):
        return "Send test exception", reverse("test_exception", args=[hook.integration.pk])
    return ("See integrations", reverse("integrations")) if hook else ("", "")


def _catalogue(projects: int, environments: int, access: Access) -> Step:
    refresh = CatalogueRefresh.objects.filter(pk=1).first()
    state = refresh_status()
    words = f"{projects} project{pluralize(projects)}, {environments} environment{pluralize(environments)}."
    if not projects:
        words = state.sentence if state and state.sentence else "Nothing read yet. It takes a few seconds."
        if not settings.FME_ADMIN_API_KEY:
            words = "FME_ADMIN_API_KEY is not set on the server; without it projects cannot be read."
    is_done = bool(projects and refresh)
    return Step(
        "Projects read from Harness FME", words, is_done, "Read them now" if access.is_account_admin else "",
        reverse("environments"),
    )  # fmt: skip


def _keys(total: int, with_key: int, missing: Environment | None) -> Step:
    words = f"{with_key} of {total} environment{pluralize(total)}."
    if missing:
        words += f" {missing} is mapped and has none: its track events wait."
    return Step(
        "SDK keys entered", words, bool(with_key) and missing is None, "Enter keys", reverse("environments")
    )


def _app() -> Step:
    needed = {
        "SENTRY_CLIENT_ID": settings.SENTRY_CLIENT_ID,
        "SENTRY_CLIENT_SECRET": settings.SENTRY_CLIENT_SECRETS,
    }
    unset = [name for name, value in needed.items() if not value]
    known = f"{settings.SENTRY_APP_SLUG}, at {settings.SENTRY_BASE_URL}."
    return Step(
        "Sentry app known", f"Set {' and '.join(unset)} on the server." if unset else known, not unset
    )
