# The product without the sandbox: web by default, worker, beat and migrate by another command (see compose.yaml).

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /venv
COPY requirements/run.txt /tmp/run.txt
# Every package is taken by its hash and as a wheel: nothing is compiled here, and no compiler is needed later.
RUN /venv/bin/pip install --require-hashes --only-binary :all: --requirement /tmp/run.txt

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app \
    && mkdir --parents /app/var /var/lib/sentry-fme/spool \
    && chown app: /app/var /var/lib/sentry-fme /var/lib/sentry-fme/spool \
    && chmod 700 /app/var /var/lib/sentry-fme /var/lib/sentry-fme/spool
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    SPOOL_DIR=/var/lib/sentry-fme/spool
USER app
# The three values are asked for by every start and end with this command; none of them stays in the image.
RUN SECRET_KEY=build FIELD_ENCRYPTION_KEYS=bm90LXNlY3JldC1ub3Qtc2VjcmV0LW5vdC1zZWNyZXQ= ALLOWED_HOSTS=build \
    python manage.py collectstatic --noinput --verbosity 0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as To; web = To('127.0.0.1', 8000, timeout=4); \
web.request('GET', '/healthz'); raise SystemExit(web.getresponse().status != 200)"]
CMD ["granian", "--interface", "wsgi", "config.wsgi:application", "--host", "0.0.0.0", "--port", "8000", \
    "--workers", "2", "--blocking-threads", "64", "--respawn-failed-workers", "--workers-kill-timeout", "10s"]
