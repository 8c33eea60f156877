# One image for web and worker; docker-compose.yml runs both. amd64 and arm64:
#   docker buildx build --platform linux/amd64,linux/arm64 .
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# requirements-s3.txt adds boto3: for web and workers on different machines.
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-s3.txt ./
# Wheels only: a package without one for this platform stops the build instead of compiling.
RUN pip install --only-binary=:all: -r ${REQUIREMENTS}

COPY . .
# Neither step needs the deployment's secret, nor its Redis.
RUN mkdir -p media var \
    && SECRET_KEY=only-for-the-build python manage.py collectstatic --noinput \
    && SECRET_KEY=only-for-the-build python manage.py migrate --noinput \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin chromi \
    && chown -R chromi: media var
# By number, so that a platform can see that it is not root.
USER 10001

# All that is written; the root file system may be read-only (docker run --read-only --tmpfs /tmp).
VOLUME ["/app/media", "/app/var"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "scripts/healthy"]
# The worker: python manage.py rqworker
CMD ["gunicorn", "chrome_background_converter.wsgi"]
