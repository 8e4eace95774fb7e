"""PURE, the heart: one exception and an integration's rules give track events, and the reasons for none."""

from integrations.mapping.culprit import culprit_event_type
from integrations.mapping.environments import check_environment_name
from integrations.mapping.path_advice import PathAdvice, Verdict, check_path
from integrations.mapping.skips import Skip, SkipCode
from integrations.mapping.translation import (
    EnvironmentDecision,
    EnvironmentRule,
    Explanation,
    IdentityDecision,
    IdentityRule,
    Rules,
    Translation,
    explain,
    properties_of,
    translate,
)
from integrations.mapping.wire import TrackEvent

__all__ = [
    "EnvironmentDecision",
    "EnvironmentRule",
    "Explanation",
    "IdentityDecision",
    "IdentityRule",
    "PathAdvice",
    "Rules",
    "Skip",
    "SkipCode",
    "TrackEvent",
    "Translation",
    "Verdict",
    "check_environment_name",
    "check_path",
    "culprit_event_type",
    "explain",
    "properties_of",
    "translate",
]
