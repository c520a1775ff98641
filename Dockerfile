# The page and its server in one image:
#
#   docker build -t digits .
#   docker run --rm --read-only --tmpfs /tmp:size=64m -p 8080:8080 digits
#
# `make container` builds it, starts it and asks it. README.md says more.
FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
# Whoever cloned with a stricter umask has files that `nobody` may not read.
RUN /venv/bin/python build.py && chmod -R a+rX .

FROM python:3.13-slim
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app/site site
COPY --from=build /app/nn nn
COPY --from=build /app/.server .server
COPY --from=build /app/server.py .
USER nobody
ENV DIGITS_HOST=0.0.0.0 DIGITS_PORT=8080 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=3s \
    CMD ["/venv/bin/python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"DIGITS_PORT\"]}/healthz')"]
CMD ["/venv/bin/python", "server.py"]
