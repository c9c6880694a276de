FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/base.lock /tmp/base.lock
# pip itself goes too: nothing is installed after this stage.
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r /tmp/base.lock \
 && /opt/venv/bin/pip uninstall --yes pip

WORKDIR /srv/bookstore
COPY alembic.ini gunicorn.conf.py ./
COPY alembic alembic
COPY app app
RUN /opt/venv/bin/python -m compileall -q app alembic


FROM python:3.13-slim

# The numeric id lets an orchestrator see that it is not root.
RUN groupadd --gid 10001 bookstore \
 && install -d -o 10001 -g 10001 /srv/mail /srv/storage \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bookstore
COPY --from=build /opt/venv /opt/venv
COPY docker/bookstore docker/prepare /usr/local/bin/
COPY --from=build /srv/bookstore /srv/bookstore

WORKDIR /srv/bookstore
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/srv/bookstore PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Liveness: a container whose database is away must not be restarted for it.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/live', timeout=2)"]
CMD ["gunicorn", "-c", "gunicorn.conf.py"]
