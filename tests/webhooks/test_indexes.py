"""The database's own indexes: none twice, and one for whatever an operator or a scrape asks of a large table."""

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import EventFactory
from tests.webhooks.test_pages_plans import hook, plan_of  # noqa: F401 - the fixture with some thousand rows
from webhooks import metrics

MODELS = list(apps.get_app_config("webhooks").get_models())


def indexes_of(model):
    """Columns of each index by name; of those for all rows only."""
    partial = {
        each.name
        for each in (*model._meta.indexes, *model._meta.constraints)
        if getattr(each, "condition", None)
    }
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return {
        name: tuple(facts["columns"])
        for name, facts in found.items()
        if (facts["index"] or facts["unique"] or facts["primary_key"])
        and name not in partial | {"outboxevent_due", "outboxevent_dead"}
    }


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_index_is_the_beginning_of_another(model):
    indexes = indexes_of(model)

    doubles = {
        name: other
        for name, columns in indexes.items()
        for other, longer in indexes.items()
        if name != other and longer[: len(columns)] == columns
    }

    assert doubles == {}


def statements(ask):
    with CaptureQueriesContext(connection) as queries:
        ask()
    return [query["sql"] for query in queries if query["sql"].startswith("SELECT")]


def test_an_event_id_and_the_newest_attempts_are_found_by_an_index(client, account_admin, hook):  # noqa: F811
    client.force_login(account_admin, backend="django.contrib.auth.backends.ModelBackend")
    search = {"q": EventFactory().message.event_id}

    for name, query, index in (
        ("inboxmessage", search, "message_once|autoindex"),
        ("outboxevent", search, "message_once|autoindex"),
        ("deliveryattempt", {}, "attempt_time"),
        ("deliveryattempt", {"outcome__exact": "ambiguous"}, "attempt_outcome"),
    ):
        asked = statements(lambda: client.get(reverse(f"admin:webhooks_{name}_changelist"), query))  # noqa: B023
        table = f'FROM "webhooks_{name}"'
        plans = [plan_of(sql) for sql in asked if table in sql and "COUNT" not in sql]
        assert plans, name
        assert all(any(word in plan for word in index.split("|")) for plan in plans), "\n".join(plans)


def test_a_scrape_counts_ambiguous_attempts_by_their_index(hook):  # noqa: F811
    (sql,) = [sql for sql in statements(metrics.of_database) if "deliveryattempt" in sql]

    assert "attempt_outcome" in plan_of(sql)
