"""Addresses of the stand-ins, of the control calls, and of the page."""

from django.urls import URLPattern, path, re_path

from sandbox import control, pages
from sandbox.fme import admin, events, sdk
from sandbox.sentry import catalogue, grants, hooks, ingest, installations

INSTALLATION = "api/0/sentry-app-installations/<str:uuid>/"
ORGANIZATION = "api/0/organizations/<str:organization>/"
PROJECT = "api/0/projects/<str:organization>/<str:project>/"
FME = "internal/api/v2/"

urlpatterns: list[URLPattern] = [
    path("", pages.home, name="home"),
    path("received", pages.received, name="received"),
    path("sentry", pages.sentry, name="sentry"),
    path("throw", pages.throw, name="throw"),
    path("fail", pages.fail, name="fail"),
    path("plan", pages.plan, name="plan"),
    path("received/clear", pages.clear, name="clear"),
    path("install", pages.install, name="install"),
    path("uninstall", pages.uninstall, name="uninstall"),
    # Sentry over REST
    path(INSTALLATION, installations.installation_detail, name="installation"),
    path(INSTALLATION + "authorizations/", grants.authorizations, name="authorizations"),
    path(
        ORGANIZATION + "sentry-app-installations/",
        installations.organization_installations,
        name="installations",
    ),
    path(ORGANIZATION + "projects/", catalogue.organization_projects, name="projects"),
    path(ORGANIZATION + "environments/", catalogue.organization_environments, name="environments"),
    path(ORGANIZATION + "issues/", catalogue.organization_issues, name="issues"),
    path(PROJECT, catalogue.project_detail, name="project"),
    path(PROJECT + "environments/", catalogue.project_environments, name="project-environments"),
    path(PROJECT + "events/", catalogue.project_events, name="events"),
    path(PROJECT + "events/<str:event>/", catalogue.project_event, name="event"),
    path(PROJECT + "hooks/", hooks.project_hooks, name="hooks"),
    path(PROJECT + "hooks/<str:hook>/", hooks.project_hook, name="hook"),
    # Sentry for SDKs
    re_path(r"^api/(?P<project>\d+)/envelope/?$", ingest.envelope, name="envelope"),
    re_path(r"^api/(?P<project>\d+)/store/?$", ingest.store_endpoint, name="store"),
    # FME's Admin API
    path(FME + "workspaces", admin.workspaces, name="fme-workspaces"),
    path(FME + "environments/ws/<str:workspace>", admin.environments, name="fme-environments"),
    path(FME + "trafficTypes/ws/<str:workspace>", admin.traffic_types, name="fme-traffic-types"),
    path(FME + "apiKeys", admin.api_keys, name="fme-api-keys"),
    path(FME + "apiKeys/<str:key>", admin.api_key, name="fme-api-key"),
    # FME for SDKs and other senders of events
    path("api/events/bulk", events.bulk, name="fme-bulk"),
    path("api/events", events.single, name="fme-single"),
    path("api/events/beacon", events.beacon, name="fme-beacon"),
    path("api/splitChanges", sdk.split_changes, name="fme-split-changes"),
    path("api/v2/auth", sdk.auth, name="fme-auth"),
    path("api/memberships/<str:key>", sdk.memberships, name="fme-memberships"),
    re_path(r"^api/v1/(?P<rest>(metrics|keys)/.+)$", sdk.telemetry, name="fme-telemetry"),
    re_path(r"^api/(?P<rest>testImpressions/.+)$", sdk.telemetry, name="fme-impressions"),
    # control
    path("control/health", control.health),
    path("control/state", control.state),
    path("control/reset", control.reset),
    path("control/received", control.received),
    path("control/requests", control.requests),
    path("control/deliveries", control.deliveries),
    path("control/throw", control.throw),
    path("control/again", control.again),
    path("control/trace", control.trace),
    path("control/install", control.install),
    path("control/adopt", control.adopt),
    path("control/uninstall", control.uninstall),
    path("control/expire", control.expire),
    path("control/token", control.token),
    path("control/revoke", control.revoke),
    path("control/rename", control.rename),
    path("control/sentry", control.sentry),
    path("control/hook", control.hook),
    path("control/catalogue", control.catalogue),
    path("control/settings", control.settings),
    path("control/failures", control.failing),
]
