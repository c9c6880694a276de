"""What operators' endpoints refuse, and the one problem that only the proxy in front can make."""

from app.core.errors import AppError


class NotReady(AppError):
    """A server that requests need is away or has an older schema; `checks` says which and why."""

    status = 503
    code = "not-ready"
    title = "Not ready for requests"


class Draining(AppError):
    """This process was told to stop: it ends what it has begun, and whatever comes next belongs elsewhere."""

    status = 503
    code = "draining"
    title = "Stopping"


class ProblemNotFound(AppError):
    """No error of this API has that code; `GET /problems` lists them all."""

    status = 404
    code = "problem-not-found"
    title = "There is no such problem"


class GatewayTimeout(AppError):
    """The proxy gave up waiting; a change may have happened, so look before you repeat it."""

    status = 504
    code = "gateway-timeout"
    title = "The answer took too long"


class Maintenance(AppError):
    """An operator closed the shop at the proxy; nothing has happened."""

    status = 503
    code = "maintenance"
    title = "Closed for maintenance"
