# One image per SERVICE: ingress, router, agent, egress, console; jobs (LOCK=cli/requirements.txt) and
# simulator (LOCK=dev/simulator/requirements.txt). `make images` builds all. docs/deploy.md tells how they are run.
ARG PYTHON=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON} AS wheels
ARG SERVICE
ARG LOCK=services/${SERVICE}/requirements.txt
COPY ${LOCK} /tmp/requirements.txt
# A pip.conf for a private index may be given as the secret `pip`; it stays in no layer.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check --no-deps \
        --require-hashes --only-binary :all: --requirement /tmp/requirements.txt \
    && find /opt/venv -name tests -type d -prune -exec rm -rf {} + \
    && rm -f /opt/venv/bin/[Aa]ctivate*

FROM ${PYTHON} AS source
ARG SERVICE
WORKDIR /source
COPY deploy/ deploy/
COPY cli/ cli/
COPY dev/ dev/
COPY services/ services/
COPY shared/ shared/
RUN python -m deploy.image.contents "${SERVICE}" /app && python -m compileall -q /app

# What a running service has no use for, and an intruder has: installers, headers, programs that become root.
FROM ${PYTHON} AS trimmed
RUN rm -rf /usr/local/lib/python3.11/site-packages/* /usr/local/lib/python3.11/ensurepip \
        /usr/local/lib/python3.11/idlelib /usr/local/lib/python3.11/lib2to3 /usr/local/lib/python3.11/test \
        /usr/local/lib/python3.11/tkinter /usr/local/lib/python3.11/turtledemo /usr/local/lib/python3.11/config-* \
        /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/2to3* /usr/local/bin/pydoc* /usr/local/bin/*-config \
        /usr/include /usr/local/include /usr/local/lib/pkgconfig /usr/local/share \
        /usr/bin/apt* /usr/lib/apt /etc/apt /var/lib/apt /var/cache /usr/bin/perl* /usr/lib/*/perl* /usr/lib/*/libperl* /usr/share/perl* \
        /usr/share/doc /usr/share/info /usr/share/locale /usr/share/man /usr/lib/*/gconv /root/.cache \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && install -d -m 1777 /tmp

FROM scratch
ARG SERVICE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="trunkline-${SERVICE}" \
      org.opencontainers.image.description="Trunkline, a gateway between WhatsApp (through Twilio) and AI agents: ${SERVICE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Only so is what was removed above gone from every layer.
# hadolint ignore=DL3067
COPY --from=trimmed / /
COPY --from=wheels /opt/venv /opt/venv
COPY --from=source /app /app
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRUNKLINE_CONSOLE__VERSION=${VERSION}+${REVISION}
WORKDIR /app
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-I", "-S", "/app/health.py"]
ENTRYPOINT ["python", "-m", "main"]
