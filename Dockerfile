# The operator's image. hack/cluster/images/recipes.sh builds the same content where there is no docker; change both.
FROM debian:bookworm-slim AS python
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 libstdc++6 \
 && rm -rf /var/lib/apt/lists/*

FROM python AS dependencies
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip
COPY pyproject.toml /tmp/
RUN python3 -c 'import tomllib; print("\n".join(tomllib.load(open("/tmp/pyproject.toml", "rb"))["project"]["dependencies"]))' > /tmp/requirements.txt \
 && python3 -m pip install --no-compile --only-binary=:all: --root-user-action=ignore --target /opt/headgate/lib --requirement /tmp/requirements.txt \
 && rm -rf /opt/headgate/lib/bin \
 && find /opt/headgate/lib/numpy /opt/headgate/lib/scipy -type d -name tests -prune -exec rm -rf {} + \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/headgate/lib

FROM python AS code
COPY operator/headgate /opt/headgate/app/headgate
RUN find /opt/headgate/app -type d -name __pycache__ -prune -exec rm -rf {} + \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/headgate/app

FROM python
COPY --from=dependencies /opt/headgate/lib /opt/headgate/lib
COPY --from=code /opt/headgate/app /opt/headgate/app
ENV PYTHONPATH=/opt/headgate/app:/opt/headgate/lib PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /tmp
USER 65532:65532
ENTRYPOINT ["python3", "-m", "headgate"]
