"""What may become of a return, as one table without any I/O."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from app.sales.models import ReturnStatus


class ReturnAction(StrEnum):
    """What staff do with a return."""

    APPROVE = "approve"
    REJECT = "reject"
    RECEIVE = "receive"
    REFUND = "refund"


TRANSITIONS: Mapping[ReturnStatus, Mapping[ReturnAction, ReturnStatus]] = MappingProxyType(
    {
        ReturnStatus.REQUESTED: {
            ReturnAction.APPROVE: ReturnStatus.APPROVED,
            ReturnAction.REJECT: ReturnStatus.REJECTED,
        },
        ReturnStatus.APPROVED: {
            ReturnAction.RECEIVE: ReturnStatus.RECEIVED,
            ReturnAction.REJECT: ReturnStatus.REJECTED,
        },
        ReturnStatus.RECEIVED: {
            ReturnAction.REFUND: ReturnStatus.REFUNDED,
            ReturnAction.REJECT: ReturnStatus.REJECTED,
        },
        ReturnStatus.REFUNDED: {},
        ReturnStatus.REJECTED: {},
    }
)
"""Status → action → status."""
