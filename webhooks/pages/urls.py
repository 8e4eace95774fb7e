"""Addresses of the pages that show messages, events and counts."""

from django.urls import path

from webhooks.pages import (
    audit,
    checklist,
    events,
    files,
    messages,
    notices,
    problems,
    replay,
    resend,
    testing,
)

ONE = "admin-settings/integrations/<int:pk>"

urlpatterns = [
    path("messages/", messages.message_log, name="messages"),
    path("messages/<int:pk>/", messages.message, name="message"),
    path("messages/<int:pk>/raw/", messages.message_raw, name="message_raw"),
    path("messages/<int:pk>/reveal/", messages.message_reveal, name="message_reveal"),
    path("messages/<int:pk>/replay/", messages.message_replay, name="message_replay"),
    path("messages/<int:pk>/resend/", resend.message_resend, name="message_resend"),
    path("events/", events.events, name="events"),
    path("event-types/", events.event_types, name="event_types"),
    path("problems/", problems.problems, name="problems"),
    path("problems/<int:pk>/mute/", problems.problem_mute, name="problem_mute"),
    path("admin-settings/notices/", notices.notices, name="notices"),
    path("admin-settings/notices/<int:pk>/test/", notices.notice_test, name="notice_test"),
    path("admin-settings/notices/<int:pk>/remove/", notices.notice_remove, name="notice_remove"),
    path("admin-settings/checklist/", checklist.checklist, name="checklist"),
    path("admin-settings/audit/", audit.audit, name="audit"),
    path(f"{ONE}/test/", testing.test_exception, name="test_exception"),
    path(f"{ONE}/export/", files.export, name="integration_export"),
    path(f"{ONE}/duplicate/", files.duplicate, name="integration_duplicate"),
    path("admin-settings/integrations/sentry/import/", files.import_file, name="integration_import"),
    path("integration-file.schema.json", files.schema, name="integration_file_schema"),
    path(f"{ONE}/replay/", replay.replay_since, name="replay_since"),
    path(f"{ONE}/resend/", resend.resend_failed, name="resend_failed"),
]
