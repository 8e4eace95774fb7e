"""A stored payload for people: masked for everybody, as it came for those who may, and then on record."""

from auditlog.models import LogEntry

from integrations.models import Project
from integrations.payloads.lenient import JsonValue, as_strict_json, load_object
from integrations.roles import Access
from webhooks.masking import mask, mask_text
from webhooks.models import InboxMessage


def may_reveal(access: Access, project: Project | None = None) -> bool:
    """Whether this person may see payloads unmasked: account admins, who administers `project`, and those given
    the permission.
    """
    if access.is_account_admin or (project and access.may_write(project)):
        return True
    has_perm = getattr(access.user, "has_perm", None)
    return bool(has_perm and has_perm("webhooks.reveal_payload"))


def shown_payload(message: InboxMessage) -> JsonValue:
    """The payload masked; as masked text when it is no JSON object, None when it was pruned."""
    if message.body is None:
        return None
    payload = load_object(bytes(message.body))
    return mask_text(_text(message)) if payload is None else mask(payload)


def revealed_payload(message: InboxMessage) -> JsonValue:
    """The payload as it came, which is written to the audit log with who asked for it.

    Only what strict JSON cannot hold is replaced: SDKs send half an emoji, and NaN.
    """
    LogEntry.objects.log_create(
        message,
        force_log=True,
        action=LogEntry.Action.ACCESS,
        changes={"payload": ["masked", "revealed"]},
    )
    if message.body is None:
        return None
    payload = load_object(bytes(message.body))
    return _text(message) if payload is None else as_strict_json(payload)


def record_replay(message: InboxMessage, *, everything: bool) -> None:
    """Write to the audit log who had this message translated again."""
    LogEntry.objects.log_create(
        message,
        action=LogEntry.Action.UPDATE,
        changes={"replay": ["", "everything" if everything else "what is new"]},
    )


def _text(message: InboxMessage) -> str:
    return bytes(message.body or b"").decode("utf-8", "replace")
