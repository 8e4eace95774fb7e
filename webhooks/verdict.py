"""What an answer of FME means for the batch: pure."""

from enum import Enum

from integrations.peers import Answer


class Verdict(Enum):
    """DELIVERED: FME has it. SPLIT: find what it refuses. HOLD: nothing of this environment can be delivered now."""

    DELIVERED = "delivered"
    SPLIT = "split"
    HOLD = "hold"


REFUSED = frozenset({400, 422})
TOO_LARGE = 413

NO_WORD_FROM_BEHIND = frozenset({502, 504})
"""A gateway's own answers: it passed the request on, and FME's answer did not come or could not be read."""


def judge(status: int) -> Verdict:
    """The verdict on an HTTP status: 2xx delivered, 400, 413 and 422 say "not this batch", all else "not now"."""
    if 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.SPLIT if status in REFUSED or status == TOO_LARGE else Verdict.HOLD


def is_ambiguous(status: int) -> bool:
    """Whether FME may have accepted the batch although the answer is no 2xx."""
    return status in NO_WORD_FROM_BEHIND


def reason_to_hold(answer: Answer) -> str:
    """Why delivery waits, in words that say what to do."""
    match answer.status:
        case 401 | 403:
            return (
                f"FME refused the SDK key ({answer.status}). Enter a valid server-side SDK key of this environment; "
                "what waits is then delivered at once."
            )
        case 404:
            return "FME answered 404: check FME_EVENTS_URL. What waits is delivered as soon as the address is right."
        case 429:
            return "FME asks to slow down (429). Delivery goes on by itself at the time shown."
        case status if 300 <= status < 400:
            return f"FME answered with a redirect ({status}), which is not followed: check FME_EVENTS_URL."
        case status if is_ambiguous(status):
            return (
                f"A gateway before FME had no answer from it ({status}). Delivery is tried again at the time shown; "
                "what FME may have taken is sent a second time."
            )
        case status:
            return f"FME is failing ({status}). Delivery is tried again at the time shown; nothing is lost."
