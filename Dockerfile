# One image for every role: `bff …` is gateway and projector, `python -m upstream_stubs …` are the
# three services. compose.yaml builds it and says who does what.

ARG PYTHON=python:3.13.14-slim-trixie

# The playground's files as assets.lock pins them. Where npm finds no registry, nothing is lost but
# looks: the playground then shows its plain page.
FROM node:24.11.1-alpine AS playground
RUN apk add --no-cache python3
WORKDIR /src
COPY scripts/playground_assets.py scripts/
COPY gateway/playground gateway/playground
RUN python3 scripts/playground_assets.py && mkdir -p gateway/playground/assets

# Everything is installed out of wheels, each checked by its hash; no compiler is needed.
FROM ${PYTHON} AS packages
RUN python -m venv /opt/bff
WORKDIR /src
COPY requirements.lock ./
RUN /opt/bff/bin/pip install --no-cache-dir --only-binary :all: --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY projections projections
COPY resolvers resolvers
COPY gateway gateway
COPY upstream_stubs upstream_stubs
COPY --from=playground /src/gateway/playground/assets gateway/playground/assets
RUN /opt/bff/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/bff/bin/pip uninstall --yes setuptools pip

FROM ${PYTHON}
ENV PATH=/opt/bff/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A volume that is mounted here for the first time takes over the owner.
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin bff \
    && install --directory --owner=bff --group=bff --mode=0700 /data /keys
COPY --from=packages /opt/bff /opt/bff
USER 10001:10001
WORKDIR /data
EXPOSE 8000
CMD ["bff", "serve"]
