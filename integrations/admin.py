"""What Django admin shows of the configuration, and with which page."""

from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.auth.models import User
from knox.models import AuthToken

from durable.models import Heartbeat
from integrations import catalogue_admin, people_admin, sentry_admin
from integrations.admin_parts import ReadOnlyAdmin
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
    ServiceHook,
    TrafficType,
)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("drain", "at")


admin.site.register(Project, catalogue_admin.ProjectAdmin)
admin.site.register(Environment, catalogue_admin.EnvironmentAdmin)
admin.site.register(TrafficType, catalogue_admin.TrafficTypeAdmin)
admin.site.register(CatalogueRefresh, catalogue_admin.CatalogueRefreshAdmin)
admin.site.register(SdkKeyOrder, catalogue_admin.SdkKeyOrderAdmin)

admin.site.register(SentryInstallation, sentry_admin.SentryInstallationAdmin)
admin.site.register(SentryIntegration, sentry_admin.SentryIntegrationAdmin)
admin.site.register(EnvironmentMapping, sentry_admin.EnvironmentMappingAdmin)
admin.site.register(IdentityMapping, sentry_admin.IdentityMappingAdmin)
admin.site.register(ServiceHook, sentry_admin.ServiceHookAdmin)

admin.site.register(Account, people_admin.AccountAdmin)
admin.site.register(Membership, people_admin.MembershipAdmin)
# These replace what django.contrib.auth, knox and auditlog register.
admin.site.unregister([User, AuthToken, LogEntry])
admin.site.register(User, people_admin.PersonAdmin)
admin.site.register(AuthToken, people_admin.ApiTokenAdmin)
admin.site.register(LogEntry, people_admin.RecordAdmin)
