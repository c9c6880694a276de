"""What the endpoints ask for by which a reader leaves a list (RFC 8058)."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Query, Request

from app.core.errors import refuses
from app.core.settings.settings import Settings
from app.messaging.email.errors import InvalidUnsubscribeToken
from app.messaging.email.lists import MailList, unsubscribed_target


def leaving(mail_list: MailList) -> Callable[..., Awaitable[int]]:
    """A dependency: what on this list the token in the address ends. Raises InvalidUnsubscribeToken."""

    @refuses(InvalidUnsubscribeToken)
    async def get_left_target(
        request: Request,
        token: Annotated[str, Query(max_length=200, description="As the link in the mail has it.")],
    ) -> int:
        settings: Settings = request.app.state.settings
        target_id = unsubscribed_target(settings.jwt, mail_list, token)
        if target_id is None:
            raise InvalidUnsubscribeToken("Take the whole link from the newest of our mails.")
        return target_id

    return get_left_target
