"""One integration's form and its two groups of rows, bound together: validated together, saved together."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict

from integrations.editions import edition_of, stored_edition
from integrations.forms import ConnectionForm
from integrations.formsets import EnvironmentFormSet, IdentityFormSet, MappingRows, lower_first
from integrations.models import Environment, Project, SentryInstallation, SentryIntegration, TrafficType
from integrations.roles import Access
from integrations.row_buttons import RowButton, gone_rows, typed_rows
from integrations.services import Configuration

OUTDATED = (
    "Somebody saved this integration after you opened it. See in another tab what is stored now; "
    "Save again puts yours in its place."
)


class IntegrationForms:
    """The form and its two groups, bound together: validated together, saved together."""

    def __init__(
        self, data: QueryDict | None, *, project: Project, access: Access,
        integration: SentryIntegration | None = None, installation_id: str = "", environment: str = "",
    ) -> None:  # fmt: skip
        self.project, self.integration, self._unmapped = project, integration, environment
        self.installations = list(access.installations(project).filter(deleted_at=None))
        self.button = RowButton.of(data) if data else None
        self._data = data.copy() if data and not self.button else None
        typed = data if self.button else None
        first = typed or _stored(integration) or self._known(installation_id)
        self.connection = ConnectionForm(
            self._data, initial=dict(first.items()), project=project, access=access, current=integration
        )
        self._stored_edition = stored_edition(integration) if integration else ""
        self._begun_with = data.get("edition", self._stored_edition) if data else self._stored_edition
        self._is_outdated = False
        self.environments = self._group(EnvironmentFormSet, "environments", typed)
        self.identities = self._group(IdentityFormSet, "identities", typed)

    @property
    def groups(self) -> tuple[MappingRows, MappingRows]:
        return self.environments, self.identities

    @property
    def announcement(self) -> str:
        """What a screen reader hears after a row button."""
        if not self.button:
            return ""
        group = self.environments if self.button.group == "environments" else self.identities
        count = f"{len(group.forms)} {group.words} mapping{'' if len(group.forms) == 1 else 's'}"
        return f"Removed. {count} left." if self.button.action == "remove" else count

    @property
    def is_bound(self) -> bool:
        return self._data is not None

    def is_valid(self) -> bool:
        """Validate everything at once, so that every error is shown at once; then, whether somebody was faster."""
        if False in [part.is_valid() for part in (*self.groups, self.connection)]:
            return False
        is_same = self._stored_edition in (self._begun_with, edition_of(self.configuration()))
        self._is_outdated = self.integration is not None and not is_same
        return not self._is_outdated

    def problems(self) -> list[tuple[str, str]]:
        """All errors in the order of the page, as (id of the control, sentence)."""
        outdated = [("save", OUTDATED)] if self._is_outdated else []
        parts = (*self.environments.problems(), *self.identities.problems(), *self._connection_problems())
        return [*outdated, *parts]

    @property
    def edition(self) -> str:
        """What the page keeps until Save: what it began with, or what is stored once somebody was told of that."""
        return self._stored_edition if self._is_outdated else self._begun_with

    def remarks(self) -> list[str]:
        """What was understood otherwise than typed."""
        rows = [row.notice for group in self.groups for row in group.forms if row.notice]
        return [*rows, *self.connection.notices]

    def warnings(self) -> list[str]:
        """What may be a mistake, or is none when Sentry renamed something; only after `is_valid`."""
        values = self.connection.cleaned_data
        known = SentryInstallation.objects.filter(uuid=values["installation_id"]).first()
        if not known or known.organization in ("", values["organization"]):
            return []
        return [
            f"The installation belongs to {known.organization}, you entered {values['organization']}. "
            "Unless Sentry renamed the organization, the hook cannot be created."
        ]

    def configuration(self) -> Configuration:
        """What was entered; only after `is_valid`."""
        values = self.connection.cleaned_data
        return Configuration(
            installation_id=values["installation_id"],
            organization=values["organization"],
            project_slug=values["project_slug"],
            capture_culprit=values["capture_culprit"],
            environments=self.environments.pairs(),
            identities=self.identities.pairs(),
            is_active=self.integration.is_active if self.integration else True,
        )

    def _known(self, installation_id: str) -> dict[str, Any]:
        """What a new form starts with: the ID from the address, and the organization it belongs to."""
        organization = next(
            (row.organization for row in self.installations if str(row.uuid) == installation_id), ""
        )
        return {"installation_id": installation_id, "organization": organization}

    def _connection_problems(self) -> Iterator[tuple[str, str]]:
        for bound in self.connection:
            for error in bound.errors:
                yield bound.auto_id, f"{bound.label}: {lower_first(str(error))}"

    def _group(self, formset: Any, prefix: str, typed: QueryDict | None) -> Any:
        kwargs = {"prefix": prefix, "form_kwargs": {"choices": self._choices(prefix)}}
        names = (formset.form.left_name, formset.form.right_name)
        if self._data is not None:
            return formset(self._data, gone=gone_rows(self._data, prefix, names), **kwargs)
        if typed is None:
            return self._fresh(formset, prefix, kwargs)
        rows, gone = typed_rows(typed, prefix, names), gone_rows(typed, prefix, names)
        focus = None
        if self.button and self.button.group == prefix:
            rows, gone, focus = self.button.press(rows, gone)
        group = formset(initial=rows, gone=gone, **kwargs)
        group.focused = focus
        return group

    def _fresh(self, formset: Any, prefix: str, kwargs: dict[str, Any]) -> Any:
        """The rows as they are stored; below them one for the environment that somebody came to map."""
        rows = _stored_rows(self.integration, prefix)
        names = {row.get("sentry_environment") for row in rows}
        is_wanted = prefix == "environments" and self._unmapped and self._unmapped not in names
        if is_wanted:
            rows = [*rows, {"sentry_environment": self._unmapped}]
        group = formset(initial=rows or [{}], **kwargs)
        group.focused = len(rows) - 1 if is_wanted else None
        return group

    def _choices(self, prefix: str) -> QuerySet[Any]:
        """What FME lists now, and what it no longer lists but a row of this integration still uses."""
        if prefix == "environments":
            used = Q(environmentmapping__integration=self.integration) if self.integration else Q(pk=None)
            return Environment.objects.filter(Q(gone_at=None) | used, project=self.project).distinct()
        used = Q(identitymapping__integration=self.integration) if self.integration else Q(pk=None)
        return TrafficType.objects.filter(Q(gone_at=None) | used, project=self.project).distinct()


def _stored(integration: SentryIntegration | None) -> dict[str, Any]:
    if integration is None:
        return {}
    return {
        "installation_id": integration.installation.uuid,
        "organization": integration.organization,
        "project_slug": integration.project_slug,
        "capture_culprit": integration.capture_culprit,
    }


def _stored_rows(integration: SentryIntegration | None, prefix: str) -> list[dict[str, Any]]:
    if integration is None:
        return []
    if prefix == "environments":
        return [
            dict(row) for row in integration.environment_mappings.values("sentry_environment", "environment")
        ]
    return [dict(row) for row in integration.identity_mappings.values("path", "traffic_type")]
