"""Run inside the product: deliver many events, print the seconds between the starts of its POSTs as JSON."""

import json
import sys
from itertools import pairwise

from benchmarks.deliver_outbox import fill
from webhooks.models import DeliveryAttempt
from webhooks.outbox import drain_outbox

THOUSAND = 1_000


def main(count: int) -> None:
    """Each attempt's start is in its row; the first of all warms up."""
    fill(THOUSAND)
    drain_outbox()
    warm = DeliveryAttempt.objects.count()
    fill(count)
    drain_outbox()
    starts = list(DeliveryAttempt.objects.order_by("started_at").values_list("started_at", flat=True))[warm:]
    print(json.dumps({"seconds": [(late - early).total_seconds() for early, late in pairwise(starts)]}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
