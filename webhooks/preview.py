"""What a configuration would make of a payload; stores nothing, sends nothing."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.mapping import EnvironmentRule, IdentityRule, Rules, Skip, SkipCode, Translation, translate
from integrations.payloads import parse
from integrations.payloads.envelopes import PayloadUnreadable, guess_source
from integrations.services import Configuration


def preview(payload: Mapping[str, Any], rules: Rules) -> Translation:
    """The track events and skips of `payload`, in either body form; pausing does not count here."""
    try:
        body = json.dumps(payload).encode()
        exception = parse(body, guess_source(body))
    except (PayloadUnreadable, RecursionError) as reason:
        return Translation((), (Skip(SkipCode.PAYLOAD_UNREADABLE, str(reason)),))
    return translate(exception, replace(rules, stopped_by=None))


def rules_of_configuration(configuration: Configuration) -> Rules:
    """The rules a configuration will have once it is saved."""
    return Rules(
        environments=tuple(
            EnvironmentRule(name, environment.pk, environment.name)
            for name, environment in configuration.environments
        ),
        identities=tuple(
            IdentityRule(path, traffic_type.name) for path, traffic_type in configuration.identities
        ),
        wants_culprit=configuration.capture_culprit,
        organization=configuration.organization,
        project=configuration.project_slug,
    )
