"""The heart: one exception and an integration's rules give track events, and the reasons for none.

Pure: frozen data in, frozen data out. `translate` is what messages go through; `explain` tells an
administrator how each row of the mapping was decided, by the same functions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.mapping.culprit import PLAIN_EVENT_TYPE, culprit_event_type
from integrations.mapping.environments import near_miss
from integrations.mapping.identity import key_of, kind_of
from integrations.mapping.skips import Skip, SkipCode, quoted, skip
from integrations.mapping.wire import Properties, TrackEvent, encode_properties, property_map
from integrations.payloads import SentryException
from integrations.payloads.lenient import JsonValue, clean_text


@dataclass(frozen=True, slots=True)
class EnvironmentRule:
    """Exceptions of this Sentry environment go to this FME environment (our id, and its name in FME)."""

    sentry_environment: str
    environment_id: int
    environment_name: str


@dataclass(frozen=True, slots=True)
class IdentityRule:
    """The value at this path is a key of this traffic type."""

    path: str
    traffic_type: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What an administrator configured for one Sentry project; `stopped_by` when nothing is to be sent.

    `ended_at` is when the integration was deleted: what came later is nobody's.
    """

    environments: tuple[EnvironmentRule, ...]
    identities: tuple[IdentityRule, ...]
    wants_culprit: bool
    organization: str
    project: str
    stopped_by: SkipCode | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Translation:
    """The track events of one exception, and why there are not more."""

    events: tuple[TrackEvent, ...]
    skips: tuple[Skip, ...]


@dataclass(frozen=True, slots=True)
class EnvironmentDecision:
    """Whether a row takes this exception; if it nearly does, `near_miss` says in words what differs."""

    rule: EnvironmentRule
    is_match: bool
    near_miss: str | None


@dataclass(frozen=True, slots=True)
class IdentityDecision:
    """What stands at a row's path, and the key it becomes or the reason why it cannot be one.

    `read_from` is the place in the event that was really read, None when nothing stands there.
    """

    rule: IdentityRule
    value: JsonValue
    read_from: str | None
    outcome: str | Skip

    @property
    def kind(self) -> str | None:
        """What kind of value stands there, in words."""
        return kind_of(self.value) if self.read_from is not None else None

    @property
    def key(self) -> str | None:
        """The key of this row's track events."""
        return self.outcome if isinstance(self.outcome, str) else None

    @property
    def skip(self) -> Skip | None:
        """Why this row gives no track event."""
        return self.outcome if isinstance(self.outcome, Skip) else None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How each row was decided, and what came of it."""

    environment: str | None
    environments: tuple[EnvironmentDecision, ...]
    identities: tuple[IdentityDecision, ...]
    culprit: str | None
    culprit_event_type: str | None
    translation: Translation


def translate(exception: SentryException, rules: Rules) -> Translation:
    """Return the track events of an exception and the reasons for those that are not.

    Environments in the order of their rows, in each the identities in the order of theirs, for each the plain
    event and then the culprit's. The same (environment, traffic type, key) comes once.
    """
    if reason := _message_skip(exception, rules):
        return Translation((), (reason,))
    return _assemble(exception, rules, _identity_decisions(exception, rules))


def explain(exception: SentryException, rules: Rules) -> Explanation:
    """Return `translate`'s answer together with how every row of the mapping was decided."""
    identities = _identity_decisions(exception, rules)
    reason = _message_skip(exception, rules)
    return Explanation(
        environment=exception.environment,
        environments=tuple(_environment_decision(exception, rule) for rule in rules.environments),
        identities=identities,
        culprit=exception.culprit,
        culprit_event_type=culprit_event_type(exception.culprit),
        translation=Translation((), (reason,)) if reason else _assemble(exception, rules, identities),
    )


def _message_skip(exception: SentryException, rules: Rules) -> Skip | None:
    """Return why the whole message gives nothing, if it does not."""
    if rules.stopped_by:
        return skip(rules.stopped_by, _STOPPED.get(rules.stopped_by, "The integration is stopped."))
    if not exception.is_exception:
        return skip(SkipCode.NOT_AN_EXCEPTION, _other_kind(exception.event_type))
    if exception.environment is None:
        return skip(SkipCode.ENVIRONMENT_MISSING, "The event names no environment.")
    if not _matching(exception, rules):
        return skip(
            SkipCode.ENVIRONMENT_UNMAPPED, _unmapped(exception.environment, rules), exception.environment
        )
    return None


_STOPPED = {
    SkipCode.INTEGRATION_PAUSED: "The integration is paused.",
    SkipCode.UNINSTALLED: "The Sentry App was uninstalled from the organization.",
}
_KINDS = {"default": "a message", "transaction": "a transaction", "csp": "a security report"}


def _other_kind(event_type: str) -> str:
    kind = _KINDS.get(event_type)
    named = f"{kind} (type {quoted(event_type)})" if kind else f"of type {quoted(event_type)}"
    return f"The event is {named}, not an exception (type “error”)."


def _matching(exception: SentryException, rules: Rules) -> list[EnvironmentRule]:
    return [rule for rule in rules.environments if rule.sentry_environment == exception.environment]


def _unmapped(environment: str, rules: Rules) -> str:
    names = (rule.sentry_environment for rule in rules.environments)
    near = next(filter(None, (near_miss(environment, name) for name in names)), None)
    return near or f"No row maps the environment {quoted(environment)}."


def _environment_decision(exception: SentryException, rule: EnvironmentRule) -> EnvironmentDecision:
    environment = exception.environment
    near = near_miss(environment, rule.sentry_environment) if environment is not None else None
    return EnvironmentDecision(rule, rule.sentry_environment == environment, near)


def _identity_decisions(exception: SentryException, rules: Rules) -> tuple[IdentityDecision, ...]:
    return tuple(_identity_decision(exception, rule) for rule in rules.identities)


def _identity_decision(exception: SentryException, rule: IdentityRule) -> IdentityDecision:
    found = exception.lookup(rule.path)
    if found is None:
        nothing = skip(SkipCode.IDENTITY_MISSING, f"Nothing stands at {rule.path}.", rule.path)
        return IdentityDecision(rule, None, None, nothing)
    outcome = key_of(found.value, rule.path)
    return IdentityDecision(rule, found.value, found.path, outcome)


def _assemble(
    exception: SentryException, rules: Rules, identities: Sequence[IdentityDecision]
) -> Translation:
    culprit_type = culprit_event_type(exception.culprit) if rules.wants_culprit else None
    skips = [decision.outcome for decision in identities if isinstance(decision.outcome, Skip)]
    if rules.wants_culprit and culprit_type is None:
        skips.append(skip(SkipCode.CULPRIT_MISSING, "Sentry names no culprit for this exception."))
    types = (PLAIN_EVENT_TYPE, culprit_type) if culprit_type else (PLAIN_EVENT_TYPE,)
    return Translation(tuple(_events(exception, rules, identities, types)), tuple(skips))


def _events(
    exception: SentryException, rules: Rules, identities: Sequence[IdentityDecision], types: tuple[str, ...]
) -> Iterator[TrackEvent]:
    properties = properties_of(exception, rules)
    encoded = encode_properties(properties)  # once: all events of an exception share them
    keys = _keys(identities)
    for environment_id, environment_name in _targets(exception, rules).items():
        for traffic_type, key in keys:
            for event_type in types:
                yield TrackEvent(
                    event_type,
                    traffic_type,
                    environment_id,
                    environment_name,
                    key,
                    exception.timestamp_ms,
                    properties,
                    encoded,
                )


def _targets(exception: SentryException, rules: Rules) -> dict[int, str]:
    """Return the FME environments of the matching rows, id to name, each once and in their order."""
    return {rule.environment_id: clean_text(rule.environment_name) for rule in _matching(exception, rules)}


def _keys(identities: Sequence[IdentityDecision]) -> Iterable[tuple[str, str]]:
    """Return (traffic type, key) of the rows that found one, each once and in the order of the rows."""
    found = (
        (clean_text(identity.rule.traffic_type.lower()), identity.outcome)
        for identity in identities
        if isinstance(identity.outcome, str)
    )
    return dict.fromkeys(found)


def properties_of(exception: SentryException, rules: Rules) -> Properties:
    """Return what is useful in a metric's filter; no data of the user."""
    return property_map(
        {
            "event_id": exception.event_id,
            "issue_id": exception.issue_id,
            "project": clean_text(rules.project),
            "organization": clean_text(rules.organization),
            "sentry_environment": exception.environment,
            "title": exception.title,
            "culprit": exception.culprit,
            "level": exception.level,
            "platform": exception.platform,
            "release": exception.release,
            "dist": exception.dist,
            "exception_type": exception.exception_type,
            "exception_value": exception.exception_value,
            "handled": exception.handled,
            "transaction": exception.transaction,
            "logger": exception.logger,
            "sdk": exception.sdk,
            "url": exception.url,
        }
    )
