"""What to do about an error: by its code where there is something particular to say, else by its status."""

BY_CODE = {
    "host-not-allowed": "Call the API by its public address; operators add a further name to ALLOWED_HOSTS.",
    "idempotency-key-missing": "Make a UUID, send it as `Idempotency-Key`, and keep it for when you must send again.",
    "idempotency-key-in-use": "Wait as many seconds as `Retry-After` says, then send the same request again.",
    "idempotency-key-reused": "Take a new key for a new request; to have the first answer again, send the first request.",
    "invalid-one-time-token": "Ask for a new mail and follow its link; an older link works no more.",
    "invalid-refresh-token": "Log in again at `POST /api/v1/auth/token`.",
    "token-reuse": "Log in again, and change the password if it was not you who used the token twice.",
    "invalid-api-key": "Check the key and whence it may be used, or make another at `POST /api/v1/api-keys`.",
    "mfa-required": "Send `mfa_token` and a code of your app to `POST /api/v1/auth/mfa`.",
    "wrong-credentials": "Check name and password; `POST /api/v1/auth/password-reset` sets another one.",
    "wrong-second-factor": "Wait for the next code of the app, or send a recovery code.",
    "csrf-refused": "Send the token of `GET /api/v1/auth/csrf` as `X-CSRF-Token`, from a page of an allowed origin.",
    "email-not-verified": "Follow the link in our mail; `POST /api/v1/auth/verify-email/request` sends another.",
    "mfa-enrolment-required": "Set up an authenticator app or a passkey, then log in with it.",
    "session-required": "Log in and send the access token instead of the API key.",
    "step-up-required": "Prove who you are at `POST /api/v1/auth/step-up`, then send the request again.",
    "not-your-item": "Change an item of your own, or ask a moderator.",
    "invalid-cursor": "Start from the first page, without `cursor`, and follow `next_cursor` with the same filters.",
    "account-locked": "Wait as many seconds as `Retry-After` says, or set a new password by mail.",
    "gateway-timeout": "Look whether the change has happened before you send it again.",
    "maintenance": "Wait as many seconds as `Retry-After` says and send the same request again.",
    "draining": "Send it again: another process answers.",
    "not-ready": "Operators see at `GET /health/ready` what is missing; anybody else tries again shortly.",
    "upload-interrupted": "Send the whole file again.",
    "upload-too-large": "Send a smaller file, or split it into several.",
}
_BY_STATUS = {
    308: "Follow `Location`, and remember the new id.",
    400: "Mend what `detail` names and send the request again.",
    401: "Log in at `POST /api/v1/auth/token` and send the token as `Authorization: Bearer …`, or a key as `X-API-Key`.",
    403: "Use an account or a key that may do this; sending the same again changes nothing.",
    404: "Check the address and the id; what was deleted is not found either.",
    405: "Use one of the methods that `Allow` lists.",
    409: "Read how things stand now, settle what `detail` names, and send the changed request.",
    412: "Read the resource again, apply your change to it, and send the new ETag as `If-Match`.",
    413: "Send less at once.",
    415: "Send the media type that the operation names in `Content-Type`.",
    422: "Mend the fields that `errors` names and send the request again.",
    429: "Wait as many seconds as `Retry-After` says, then go on more slowly.",
    431: "Send fewer or shorter headers and cookies.",
    500: "Try again later; if it stays so, tell the operators the `request_id`.",
    503: "Try again after as many seconds as `Retry-After` says.",
    504: "Try again later.",
}


def remedy_of(code: str, status: int) -> str:
    """What whoever met the error does about it."""
    return BY_CODE.get(code) or _BY_STATUS.get(status) or _BY_STATUS[status // 100 * 100]
