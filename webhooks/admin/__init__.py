"""What Django admin shows of what flows through: looked at, sent again, never typed into. Payloads are masked."""

from django.contrib import admin

from integrations.models import Discard
from webhooks.admin import events, messages, notices, numbers, orders
from webhooks.models import (
    Delivery,
    DeliveryAttempt,
    HourlyCount,
    InboxMessage,
    Notice,
    NoticeReceiver,
    OutboxEvent,
    Problem,
    ProblemScan,
    ReplayOrder,
    Total,
)

admin.site.register(InboxMessage, messages.InboxMessageAdmin)

admin.site.register(OutboxEvent, events.OutboxEventAdmin)
admin.site.register(Delivery, events.DeliveryAdmin)
admin.site.register(DeliveryAttempt, events.DeliveryAttemptAdmin)

admin.site.register(ReplayOrder, orders.ReplayOrderAdmin)
admin.site.register(Discard, orders.DiscardAdmin)

admin.site.register(Problem, numbers.ProblemAdmin)
admin.site.register(ProblemScan, numbers.ProblemScanAdmin)
admin.site.register(NoticeReceiver, notices.NoticeReceiverAdmin)
admin.site.register(Notice, notices.NoticeAdmin)

admin.site.register(HourlyCount, numbers.HourlyCountAdmin)
admin.site.register(Total, numbers.TotalAdmin)
