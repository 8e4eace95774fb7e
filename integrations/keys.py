"""The lines of the page Environments and keys: an environment, the state of its key, and its form if open."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from integrations.fields import tail_of
from integrations.forms import SdkKeyForm
from integrations.models import Environment, Project
from integrations.states import Status, key_status, order_status


@dataclass(frozen=True, slots=True)
class KeyLine:
    """What one row shows; `form` only where a key can be entered at once."""

    environment: Environment
    state: Status
    order: Status | None
    next_try_at: datetime | None  # of the order, while nobody works on it
    tail: str  # empty of a short key
    is_used: bool
    may_write: bool
    form: SdkKeyForm | None

    @property
    def set_at(self) -> datetime | None:
        """When the key that is there was set."""
        return self.environment.sdk_key_set_at if self.environment.has_sdk_key else None

    @property
    def next_probe_at(self) -> datetime | None:
        """When a held environment is probed; the date is past while nothing is due that could be sent."""
        return _ahead(self.environment.hold_until)


def key_lines(
    project: Project, *, chosen: int | None, form: SdkKeyForm | None, may_write: bool
) -> list[KeyLine]:
    """The project's environments; gone ones only while a mapping uses them or they hold a key."""
    rows = [_line(row, chosen, form, may_write) for row in project.environments.all()]
    return [row for row in rows if row.is_used or row.environment.has_sdk_key or not row.environment.gone_at]


def _line(environment: Environment, chosen: int | None, form: SdkKeyForm | None, may_write: bool) -> KeyLine:
    state = key_status(environment)
    newest = next(iter(environment.sdk_key_orders.all()), None)
    order = order_status(newest)
    is_busy = order is not None and order.is_moving
    is_wanted = chosen == environment.pk or (state.kind != "ok" and not environment.gone_at and not is_busy)
    bound = form if form is not None and chosen == environment.pk else SdkKeyForm(environment=environment)
    return KeyLine(
        environment=environment,
        state=state,
        order=order,
        next_try_at=_ahead(newest.due_at) if newest and is_busy and not newest.claim else None,
        tail=tail_of(environment, "sdk_key").removeprefix("…"),
        is_used=bool(environment.used_by),  # type: ignore[attr-defined] # prefetched by the page
        may_write=may_write,
        form=bound if may_write and is_wanted else None,
    )


def _ahead(at: datetime | None) -> datetime | None:
    return at if at and at > timezone.now() else None
