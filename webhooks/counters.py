"""What this process counted since it started; everything else in /metrics is read from the rows."""

from prometheus_client import Counter

requests_total = Counter("webhook_requests", "Webhook requests by outcome", ["outcome"])
duplicates_total = Counter("webhook_duplicates", "Messages that were stored already")
spool_set_aside_total = Counter("spool_set_aside", "Spooled files that could not be read and were set aside")
