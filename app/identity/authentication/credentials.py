"""What a request may show of who sends it, and which of it counts."""

from fastapi import Request
from fastapi.security import APIKeyCookie, APIKeyHeader, OAuth2PasswordBearer
from starlette.requests import HTTPConnection

from app.core.errors import AppError
from app.identity.authentication.api_keys import principal_of_key
from app.identity.authentication.csrf import ACCESS_COOKIE, HOST_PREFIX, SAFE_METHODS, BrowserGuard
from app.identity.authentication.principals import principal_of_token
from app.identity.errors import CsrfRefused
from app.identity.permissions import DESCRIPTIONS
from app.identity.principal import Principal


class AccessCookie(APIKeyCookie):
    """The cookie with the access token, whose name is the environment's."""

    async def __call__(self, request: HTTPConnection) -> str | None:
        """Its value. Raises DoubledCookie."""
        browser: BrowserGuard = request.app.state.browser
        return browser.read_cookie(request.headers, ACCESS_COOKIE)


bearer_scheme = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/token",
    scopes={permission.value: text for permission, text in DESCRIPTIONS.items()},
    description="Log in with user name or e-mail address and password.",
    auto_error=False,
)
api_key_scheme = APIKeyHeader(
    name="X-API-Key",
    description="A key for programs, made at `POST /api/v1/api-keys`; a Bearer token beside it wins.",
    auto_error=False,
)
cookie_scheme = AccessCookie(
    name=HOST_PREFIX + ACCESS_COOKIE,
    scheme_name=APIKeyCookie.__name__,
    description="Set by `POST /api/v1/auth/login`; a write needs `Origin` and `X-CSRF-Token` besides."
    f" In development it is called `{ACCESS_COOKIE}`.",
    auto_error=False,
)
_OUTCOME = "caller"
SCHEMES = (bearer_scheme, api_key_scheme, cookie_scheme)


def remember_outcome(request: Request, outcome: Principal | AppError) -> None:
    """Keep what `identify` said for the rest of the request."""
    # Without its traceback, which would tie the request to itself.
    request.scope["state"][_OUTCOME] = (
        outcome.with_traceback(None) if isinstance(outcome, AppError) else outcome
    )


async def identify(request: Request) -> Principal | None:
    """The owner of the first credential there is: the token, else the API key, else the cookie.

    One that is worth nothing is refused, whatever stands beside it. None without any. Raises InvalidToken,
    InvalidApiKey, RateLimited, DoubledCookie, and CsrfRefused for a write by cookie that no page of ours has sent.
    """
    outcome: Principal | AppError | None = request.scope["state"].get(_OUTCOME)
    if isinstance(outcome, AppError):
        raise outcome
    if outcome is not None:
        return outcome
    # Whatever else is sent: two cookies of one name are refused.
    cookie = await cookie_scheme(request)
    bearer = await bearer_scheme(request)
    if bearer is not None:
        return await principal_of_token(request, bearer)
    api_key = await api_key_scheme(request)
    if api_key is not None:
        return await principal_of_key(request, api_key)
    return None if cookie is None else await _principal_of_cookie(request, cookie)


async def _principal_of_cookie(request: Request, token: str) -> Principal:
    principal = await principal_of_token(request, token)
    if request.method not in SAFE_METHODS:
        browser: BrowserGuard = request.app.state.browser
        if browser.check_write(request.headers) != principal.session_id:
            raise CsrfRefused("The CSRF token belongs to another session; read the cookie again.")
    return principal
