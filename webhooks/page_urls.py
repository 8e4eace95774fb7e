"""Addresses of the pages that show messages, events and counts."""

from django.urls import path

from webhooks import (
    audit_pages,
    checklist,
    event_pages,
    file_pages,
    message_pages,
    problem_pages,
    replay_pages,
    testing_pages,
)

ONE = "admin-settings/integrations/<int:pk>"

urlpatterns = [
    path("messages/", message_pages.message_log, name="messages"),
    path("messages/<int:pk>/", message_pages.message, name="message"),
    path("messages/<int:pk>/raw/", message_pages.message_raw, name="message_raw"),
    path("messages/<int:pk>/reveal/", message_pages.message_reveal, name="message_reveal"),
    path("messages/<int:pk>/replay/", message_pages.message_replay, name="message_replay"),
    path("events/", event_pages.events, name="events"),
    path("event-types/", event_pages.event_types, name="event_types"),
    path("problems/", problem_pages.problems, name="problems"),
    path("problems/<int:pk>/mute/", problem_pages.problem_mute, name="problem_mute"),
    path("admin-settings/checklist/", checklist.checklist, name="checklist"),
    path("admin-settings/audit/", audit_pages.audit, name="audit"),
    path(f"{ONE}/test/", testing_pages.test_exception, name="test_exception"),
    path(f"{ONE}/export/", file_pages.export, name="integration_export"),
    path(f"{ONE}/duplicate/", file_pages.duplicate, name="integration_duplicate"),
    path("admin-settings/integrations/sentry/import/", file_pages.import_file, name="integration_import"),
    path("integration-file.schema.json", file_pages.schema, name="integration_file_schema"),
    path(f"{ONE}/replay/", replay_pages.replay_since, name="replay_since"),
]
