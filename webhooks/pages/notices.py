"""The page of notices: who is told when a problem opens, and whether it reaches them. Reads and queues rows only."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from durable.models import State
from integrations.found import require_account_admin
from integrations.states import Status
from webhooks.models import Notice, NoticeReceiver
from webhooks.notices import add_receiver, order_test
from webhooks.pages.notice_forms import ReceiverForm

Kind = NoticeReceiver.Kind


@dataclass(frozen=True, slots=True)
class Line:
    """One receiver and how it stands."""

    receiver: NoticeReceiver
    state: Status
    next_at: datetime | None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """The receivers and the form for one more. A new webhook's secret is shown on this answer and never again."""
    require_account_admin(request)
    form = ReceiverForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        added = _add(form)
        if added and not added.secret:
            flash.success(request, f"{added.address} is told of every problem that opens from now on.")
            return redirect("notices")
        return _page(request, ReceiverForm() if added else form, added)
    return _page(request, form)


@login_required
@require_POST
def notice_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a test notice for one receiver."""
    require_account_admin(request)
    receiver = get_object_or_404(NoticeReceiver, pk=pk)
    order_test(receiver)
    flash.info(request, f"A test notice is on its way to {receiver.address}.")
    return redirect("notices")


@login_required
@require_POST
def notice_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell this receiver nothing any more; what waits for it goes too."""
    require_account_admin(request)
    receiver = get_object_or_404(NoticeReceiver, pk=pk)
    receiver.delete()
    flash.success(request, f"{receiver.address} is removed.")
    return redirect("notices")


def _add(form: ReceiverForm) -> NoticeReceiver | None:
    """None when somebody else added the same at this moment; the form then says so."""
    try:
        with transaction.atomic():
            return add_receiver(form.cleaned_data["address"], form.kind, form.cleaned_data["project"])
    except IntegrityError:
        form.add_error("address", "This address has just been added.")
        return None


def _page(request: HttpRequest, form: ReceiverForm, added: NoticeReceiver | None = None) -> HttpResponse:
    lines = _lines()
    context = {
        "form": form,
        "added": added,
        "lines": lines,
        "is_moving": any(line.state.is_moving for line in lines),
        "has_email": settings.EMAIL_IS_SET,
        "email_waits": any(line.receiver.kind == Kind.EMAIL for line in lines) and not settings.EMAIL_IS_SET,
    }
    response = render(request, "webhooks/notices.html", context)
    if added:
        response["Cache-Control"] = "no-store"
    return response


def _lines() -> list[Line]:
    """With two queries, however many there are; of notices only those that wait are read."""
    pending = Notice.objects.filter(state=State.PENDING).order_by().values_list("receiver")
    waiting = {pk: (count, at) for pk, count, at in pending.annotate(Count("pk"), Min("due_at"))}
    lines = []
    for row in NoticeReceiver.objects.select_related("project").order_by("kind", "address", "pk"):
        count, next_at = waiting.get(row.pk, (0, None))
        lines.append(Line(row, state_of(row, count), _ahead(next_at) if row.last_error else None))
    return lines


def state_of(receiver: NoticeReceiver, waiting: int) -> Status:
    """How the last notice fared, in words."""
    if waiting and receiver.last_error:
        return Status("warn", "alert", "Failing", receiver.last_error)
    if waiting:
        return Status("info", "spin", "Being sent", is_moving=True)
    if receiver.last_error:
        return Status("bad", "x", "Last notice failed", receiver.last_error)
    if receiver.delivered_at:
        return Status("ok", "check", "Delivered")
    return Status("", "todo", "No notice yet")


def _ahead(at: datetime | None) -> datetime | None:
    """A date that is still to come; what is due now is under way."""
    return at if at and at > timezone.now() else None
