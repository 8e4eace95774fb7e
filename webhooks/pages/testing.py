"""The test exception: a marked sample goes the real way, signed like Sentry's own, and its page shows each step."""

from uuid import uuid4

from auditlog.models import LogEntry
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from integrations.fields import UnreadableSecret
from integrations.found import writable_integration
from integrations.models import SentryIntegration, ServiceHook
from webhooks.accept import accept_again
from webhooks.models import InboxMessage
from webhooks.outcome import Outcome
from webhooks.signature import sign
from webhooks.spool import RawRequest
from webhooks.testing import UNMAPPED, sample
from webhooks.writer import StoreUnavailable


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def test_exception(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose an environment and whether to deliver; the button sends."""
    found = writable_integration(request, pk)
    hook = found.hook
    names = list(dict.fromkeys(row.sentry_environment for row in found.environment_mappings.all()))
    if request.method == "POST" and hook and hook.has_secret:
        environment = request.POST.get("environment", "")
        is_delivered = request.POST.get("deliver") == "1"
        chosen = environment if environment in (*names, UNMAPPED) else (names or [UNMAPPED])[0]
        reason = "The test exception could not be stored. Try again in a moment."
        try:
            message = send(found, hook, environment=chosen, is_delivered=is_delivered)
        except UnreadableSecret as error:
            message, reason = None, f"The test exception could not be signed: {error}"
        if message:
            words = f"{chosen}, {'delivered' if is_delivered else 'not delivered'}"
            LogEntry.objects.log_create(found, action=LogEntry.Action.UPDATE, changes={"test": ["", words]})
            return redirect("message", message.pk)
        flash.error(request, reason)
    context = {"integration": found, "environments": names, "unmapped": UNMAPPED, "hook": hook}
    return render(request, "webhooks/test.html", context)


def send(
    integration: SentryIntegration, hook: ServiceHook, *, environment: str, is_delivered: bool
) -> InboxMessage | None:
    """Sign a sample with the hook's secret and accept it as if Sentry had posted it; None when nothing takes it."""
    event_id = uuid4().hex
    identities = {
        row.path: f"fme-test-{row.traffic_type.name}" for row in integration.identity_mappings.all()
    }
    body = sample(
        event_id=event_id, at=timezone.now(), environment=environment, identities=identities,
        project=integration.project_slug, is_delivered=is_delivered,
    )  # fmt: skip
    try:
        outcome = accept_again(RawRequest(hook.address, sign(body, hook.secret), body))
    except StoreUnavailable:
        return None
    if outcome is not Outcome.STORED:
        return None
    return InboxMessage.objects.filter(integration=integration, event_id=event_id).first()
