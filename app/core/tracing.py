"""Traces by OTLP over HTTP; imported where OTEL_EXPORTER_OTLP_ENDPOINT is set, and nowhere else."""

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from app.core.redaction import REDACTED
from app.core.settings.settings import Settings

_PRIVATE = ("url.path", "url.query", "server.address", "client.address", "user_agent.original")


class _Discreet(SpanProcessor):
    """Takes out of spans what may tell of persons; `http.route` says which route it was."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Hide it before anything else sees the span."""
        del parent_context
        for name in _PRIVATE:
            if name in (span.attributes or {}):
                span.set_attribute(name, REDACTED)


def make_provider(settings: Settings, release: str) -> TracerProvider:
    """What makes spans and sends them to the receiver in batches, from a thread."""
    resource = Resource.create(
        {
            "service.name": settings.otel.service_name,
            "service.version": release,
            "deployment.environment.name": settings.environment.value,
        }
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(_Discreet())
    endpoint = f"{settings.otel.exporter_otlp_endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider
