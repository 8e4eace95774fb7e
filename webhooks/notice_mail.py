"""A notice as a plain text mail: what opened, since when, how often, what to do, and the way there."""

import smtplib
import ssl
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMessage
from django.urls import reverse

from integrations.payloads.lenient import JsonObject
from integrations.peers import PeerError
from integrations.words import words_of
from webhooks.models import Notice
from webhooks.notices import address_of, one_line

SUBJECT_CHARACTERS: Final = 150
NO_SERVER: Final = "EMAIL_URL is not set on the server, so no e-mail can be sent. Ask whoever runs it."


def send(notice: Notice) -> None:
    """Hand the mail to the mail server. Raises PeerError, permanent when it refuses the receiver or the mail."""
    if not settings.EMAIL_IS_SET:
        raise PeerError(NO_SERVER)
    try:
        mail_of(notice).send()
    except smtplib.SMTPRecipientsRefused as error:
        answers = list(error.recipients.values())
        raise _refused(*answers[0], permanent=all(code >= 500 for code, _ in answers)) from None
    except smtplib.SMTPDataError as error:
        raise _refused(error.smtp_code, error.smtp_error, permanent=error.smtp_code >= 500) from None
    except smtplib.SMTPResponseException as error:  # the login, the sender: the operator can mend these
        raise _refused(error.smtp_code, error.smtp_error, permanent=False) from None
    except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
        raise PeerError(f"The mail server did not take it ({type(error).__name__}).") from None
    except (BadHeaderError, UnicodeError) as error:
        raise PeerError(
            f"This address cannot be written to ({type(error).__name__}).", permanent=True
        ) from None


def mail_of(notice: Notice) -> EmailMessage:
    """The mail. Its id is the notice's, so that one sent twice is known as one."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return EmailMessage(
        subject=subject_of(notice),
        body=text_of(notice),
        to=[notice.receiver.address],
        headers={"Message-ID": f"<{notice.uuid}@{host}>", "Auto-Submitted": "auto-generated"},
    )


def subject_of(notice: Notice) -> str:
    """One line, whatever the names in it hold."""
    total = len(notice.content) + notice.unlisted
    if notice.kind == Notice.Kind.TEST:
        words = "Test notice"
    elif total == 1:
        problem = notice.content[0]
        words = f"Problem: {problem['title']} ({problem['integration']})"
    else:
        words = f"{total} problems opened"
    return one_line(f"[FME Integrations] {words}")[:SUBJECT_CHARACTERS]


def text_of(notice: Notice) -> str:
    """The whole text."""
    if notice.kind == Notice.Kind.TEST:
        parts = ["This is a test. When a problem opens, it is named here with its fix."]
    else:
        parts = [_paragraph(problem) for problem in notice.content]
    if notice.unlisted:
        parts.append(f"And {notice.unlisted} more.")
    parts.append(f"All problems: {address_of(reverse('problems'))}")
    parts.append(
        "-- \nThis address is entered under Admin settings, Notices, where it can be removed:\n"
        + address_of(reverse("notices"))
    )
    return "\n\n".join(parts) + "\n"


def _paragraph(problem: JsonObject) -> str:
    since = f"{str(problem['first_seen_at'])[:16].replace('T', ' ')} UTC"
    often = {0: "", 1: ", once"}.get(int(str(problem["count"])), f", {problem['count']} times")
    lines = [
        str(problem["title"]),
        f"{problem['integration']} → {problem['project']}, since {since}{often}",
        str(problem["meaning"]),
        str(problem["detail"]),
        f"{problem['fix'] or 'See'}: {problem['url']}",
    ]
    return "\n".join(filter(None, lines))


def _refused(code: int, answer: bytes | str, *, permanent: bool) -> PeerError:
    words = words_of(answer if isinstance(answer, bytes) else answer.encode())
    said = f"The mail server refused ({code}): {words or 'no further words'}"
    return PeerError(said, permanent=permanent, status=code)
