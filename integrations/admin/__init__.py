"""What Django admin shows of the configuration, and with which page."""

from auditlog.models import LogEntry
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import User
from knox.models import AuthToken

from durable.models import Chore, Heartbeat
from integrations.admin import catalogue, people, sentry
from integrations.admin.parts import ReadOnlyAdmin
from integrations.models import (
    Account,
    CatalogueRefresh,
    Environment,
    EnvironmentMapping,
    IdentityMapping,
    Membership,
    Project,
    SdkKeyOrder,
    SentryInstallation,
    SentryIntegration,
    SentryListing,
    ServiceHook,
    TrafficType,
)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("drain", "at")


@admin.register(Chore)
class ChoreAdmin(ReadOnlyAdmin):
    list_display = ("name", "state", "due_at", "last_error")


# In the order in which the index shows them.
admin.site.register(SentryIntegration, sentry.SentryIntegrationAdmin)
admin.site.register(EnvironmentMapping, sentry.EnvironmentMappingAdmin)
admin.site.register(IdentityMapping, sentry.IdentityMappingAdmin)
admin.site.register(ServiceHook, sentry.ServiceHookAdmin)
admin.site.register(SentryInstallation, sentry.SentryInstallationAdmin)
admin.site.register(SentryListing, sentry.SentryListingAdmin)

admin.site.register(Project, catalogue.ProjectAdmin)
admin.site.register(Environment, catalogue.EnvironmentAdmin)
admin.site.register(TrafficType, catalogue.TrafficTypeAdmin)
admin.site.register(CatalogueRefresh, catalogue.CatalogueRefreshAdmin)
admin.site.register(SdkKeyOrder, catalogue.SdkKeyOrderAdmin)

admin.site.register(Account, people.AccountAdmin)
admin.site.register(Membership, people.MembershipAdmin)
# These replace what django.contrib.auth, knox, auditlog and axes register; two of axes' tables stay empty.
admin.site.unregister([User, AuthToken, LogEntry, AccessAttempt, AccessLog, AccessFailureLog])
admin.site.register(User, people.PersonAdmin)
admin.site.register(AuthToken, people.ApiTokenAdmin)
admin.site.register(LogEntry, people.RecordAdmin)
admin.site.register(AccessAttempt, people.FailedLoginAdmin)
