"""Builds the application: shared resources, middleware order, error handlers, routers."""

from functools import partial
from importlib import import_module

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from app import __version__, registry
from app.api import ROUTERS, TAGS
from app.catalog.goods.deps import sees_more
from app.catalog.pictures.encoding import PictureEncoder
from app.catalog.views.counts import COUNTED, ItemViews
from app.core.cache.bus import CacheBus
from app.core.cache.hot import HotCache
from app.core.clock import set_shop_zone
from app.core.currencies import set_shop_currency
from app.core.db.engine import Database
from app.core.db.paging import Pager
from app.core.db.slow import SlowStatements
from app.core.db.transaction import transaction
from app.core.http.compression import Compression
from app.core.http.middleware import (
    INTERNAL_PATHS,
    Cors,
    FaultBoundary,
    HeadAsGet,
    HotPath,
    HttpsOnly,
    RequestContext,
    TrustedHosts,
)
from app.core.http.openapi import DESCRIPTION, install_openapi
from app.core.http.own_paths import with_own_paths
from app.core.http.problems import install_problem_handlers
from app.core.http.refusals import RefusalLog
from app.core.logging import configure_logging, guard_process
from app.core.mail import mail_folder
from app.core.metrics import REQUESTS, publish_build_info
from app.core.observers import start_observers
from app.core.outbound import Outbound
from app.core.rate_limit import RateLimiter
from app.core.redis import make_cache_redis, make_redis
from app.core.settings.settings import Settings, load_settings
from app.core.storage.storage import StorageHolder
from app.identity.authentication.admission import Admission
from app.identity.authentication.csrf import BrowserGuard
from app.identity.authentication.key_uses import KeyUses
from app.identity.breached_passwords import BreachedPasswords
from app.identity.tokens import TokenIssuer
from app.lifespan import lifespan
from app.messaging.email.preview import add_mail_preview
from app.messaging.event_schemas import told_events
from app.messaging.realtime.hub import Hub
from app.ops.docs import add_docs
from app.ops.metrics import add_metrics
from app.sales.payments.providers import Providers

MAX_BODY_SIZE = 1024 * 1024
ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-API-Key",
    "X-CSRF-Token",
    "X-Cart-Token",
    "X-Request-ID",
)
EXPOSED_HEADERS = (
    "Allow",
    "Content-Disposition",
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Idempotent-Replayed",
    "Vary",
    "WWW-Authenticate",
    "X-Process-Time",
    "X-Request-ID",
)
PREFLIGHT_SECONDS = 600


def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    """The application for these settings; without, for the environment's. Raises SettingsError.

    It opens the database of the settings unless it is given one; it closes either at its end.
    """
    settings = settings or load_settings()
    configure_logging(settings.log, settings.secret_values())
    set_shop_zone(settings.shop_time_zone)
    set_shop_currency(settings.currency)
    registry.load()
    observers = start_observers(settings, __version__)
    app = FastAPI(
        title="Bookstore",
        version=__version__,
        summary="A bookstore's backend.",
        description=DESCRIPTION,
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        license_info={"name": "MIT", "identifier": "MIT"},
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json" if settings.shows_docs else None,
        redirect_slashes=False,
        # Without a provider there is nobody to tell, of which FastAPI would assure itself with each request.
        telemetry={
            "tracing": observers.tracer_provider is not None,
            "tracer_provider": observers.tracer_provider,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "exclude": lambda scope: scope["path"] in INTERNAL_PATHS,
        },
        lifespan=lifespan,
    )
    app.state.observers = observers
    _add_resources(app, settings, database or Database(settings.database))
    _add_middleware(app, settings)
    install_problem_handlers(app)
    _add_routes(app, settings)
    install_openapi(app, told_events)
    return app


def _add_resources(app: FastAPI, settings: Settings, database: Database) -> None:
    app.state.settings = settings
    app.state.database = database
    app.state.slow_statements = SlowStatements(database, settings.log.slow_statement)
    app.state.redis = make_redis(settings.redis)
    app.state.cache_redis = make_cache_redis(settings.redis, app.state.redis)
    bus = CacheBus(app.state.cache_redis, database.identity, settings.cache.shared_ttl)
    app.state.cache = HotCache(bus, settings.cache)
    app.state.refusals = RefusalLog(database, app.state.cache)
    app.state.rate_limiter = RateLimiter(settings.rate_limit, app.state.redis)
    app.state.storage = StorageHolder(settings.storage)
    app.state.outbound = Outbound(settings.outbound)
    app.state.picture_encoder = PictureEncoder()
    app.state.pager = Pager(settings.jwt.secret.get_secret_value().encode())
    app.state.tokens = TokenIssuer(settings.jwt, settings.public_url.rstrip("/"))
    app.state.browser = BrowserGuard(settings)
    app.state.breached_passwords = BreachedPasswords(settings.password)
    app.state.api_key_uses = KeyUses(database)
    app.state.item_views = ItemViews(database)
    app.state.streams = Hub(database, app.state.redis, settings.stream)
    app.state.payment_providers = Providers(settings, partial(transaction, database, app.state.cache))
    publish_build_info(__version__)


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    # The last one added is the outermost: every answer, of whatever origin, passes RequestContext.
    app.add_middleware(Admission, limiter=app.state.rate_limiter)
    # Not FastAPI's own `max_body_size`: that stands outside of everything and answers in plain text.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY_SIZE)
    # Outside of the limit: what it answers reads no body.
    app.add_middleware(HotPath, cache=app.state.cache, sees_more=partial(sees_more, app.state))
    app.add_middleware(FaultBoundary)
    app.add_middleware(HeadAsGet)
    if settings.cors.origins:
        app.add_middleware(
            Cors,
            allow_origins=settings.cors.origins,
            allow_credentials=True,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=PREFLIGHT_SECONDS,
        )
    if settings.https_redirect:
        app.add_middleware(HttpsOnly, public_url=settings.public_url)
    if settings.hosts:
        app.add_middleware(TrustedHosts, hosts=settings.hosts)
    app.add_middleware(
        RequestContext,
        log=settings.log,
        in_production=settings.in_production,
        counted=dict.fromkeys(COUNTED, app.state.item_views.paths),
        meters=REQUESTS if settings.enable_metrics else None,
    )
    if settings.gzip:
        # Around even that: it sets headers according to the whole answer.
        app.add_middleware(Compression)
    if settings.profiler:
        app.add_middleware(import_module("app.core.profiler").Profiled)
    if app.state.observers.timed is not None:
        app.add_middleware(app.state.observers.timed)


def _add_routes(app: FastAPI, settings: Settings) -> None:
    for router in ROUTERS:
        # Flat, not included: FastAPI matches an included router's routes a second time.
        for route in router.routes:
            if isinstance(route, APIRoute):
                route.operation_id = route.name
            app.router.routes.append(route)
    if settings.enable_metrics:
        add_metrics(app)
    if settings.shows_docs:
        add_docs(app)
    folder = mail_folder(settings.mail)
    if folder is not None and not settings.in_production:
        add_mail_preview(app, folder)
    app.router.routes[:] = with_own_paths(app.router.routes)


def __getattr__(name: str) -> FastAPI:
    """`app.main:app` for servers that cannot call a factory: made when it is first asked for."""
    if name == "app":
        guard_process()
        return create_app()
    raise AttributeError(name)
