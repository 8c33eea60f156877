"""All settings, read from the environment or `.env` with decouple; the defaults are safe.

Units are seconds and bytes. README.md lists the names.
"""

from pathlib import Path

from decouple import Csv, config
from django.core.exceptions import ImproperlyConfigured

from chrome_background_converter import s3

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

DEBUG = config("DEBUG", default=False, cast=bool)
SECRET_KEY = config("SECRET_KEY", default="only-for-development" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY in the environment or .env (or DEBUG=True).")
ALLOWED_HOSTS = config("ALLOWED_HOSTS", default="127.0.0.1,localhost,[::1]", cast=Csv())
CSRF_TRUSTED_ORIGINS = config("CSRF_TRUSTED_ORIGINS", default="", cast=Csv())

# --- Limits of a conversion
# The limit of an upload. In Django this is the size from which uploads are written to disk. Here
# all uploads are, and converter/web/uploads.py refuses larger ones.
FILE_UPLOAD_MAX_MEMORY_SIZE = 104_857_600
DATA_UPLOAD_MAX_MEMORY_SIZE = 196_608  # form fields without the file; `layout` has 128 KiB
DATA_UPLOAD_MAX_NUMBER_FIELDS = 32
DATA_UPLOAD_MAX_NUMBER_FILES = 2
FILE_UPLOAD_HANDLERS = ["converter.web.uploads.LimitedUploadHandler"]
MAX_CONVERSIONS = config("MAX_CONVERSIONS", default=1, cast=int)
MAX_PIXELS = config("MAX_PIXELS", default=17_000_000, cast=int)
CONVERSION_TIMEOUT = config("CONVERSION_TIMEOUT", default=100, cast=int)
UPLOAD_TIMEOUT = config("UPLOAD_TIMEOUT", default=600, cast=int)
STALL_TIMEOUT = config("STALL_TIMEOUT", default=20, cast=int)
DOWNLOAD_TTL = config("DOWNLOAD_TTL", default=600, cast=int)
WEB_THREADS = config("WEB_THREADS", default=8, cast=int)
# How long an upload may wait for a worker, in s.
QUEUE_TTL = config("QUEUE_TTL", default=3600, cast=int)
MIN_FREE_DISK = config("MIN_FREE_DISK", default=536_870_912, cast=int)
# Number of proxies that append to X-Forwarded-For; with 0 the peer is the client.
TRUSTED_PROXIES = config("TRUSTED_PROXIES", default=0, cast=int)
MAX_CONVERSIONS_PER_ADDRESS = config(
    "MAX_CONVERSIONS_PER_ADDRESS", default=1 if TRUSTED_PROXIES else 0, cast=int
)
ENABLE_TRACEMALLOC = config("ENABLE_TRACEMALLOC", default=False, cast=bool)
# Serve /metrics. An empty METRICS_TOKEN makes it public.
METRICS = config("METRICS", default=False, cast=bool)
METRICS_TOKEN = config("METRICS_TOKEN", default="")

# --- Queue
USE_RQ = config("USE_RQ", default=False, cast=bool)
REDIS_URL = config("REDIS_URL", default="redis://127.0.0.1:6379/0")
# How long the web process waits for Redis, in s, before it counts as down. There are no retries.
REDIS_TIMEOUT = config("REDIS_TIMEOUT", default=1.0, cast=float)
# A worker without a heartbeat for this time, in s, counts as dead; its job is tried once more.
WORKER_TTL = config("WORKER_TTL", default=30, cast=int)
# Number of machines of web and workers, and whether MEDIA_ROOT is one volume on all of them.
MACHINES = config("MACHINES", default=1, cast=int)
SHARED_MEDIA = config("SHARED_MEDIA", default=False, cast=bool)

# --- Django
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "converter",
]
MIDDLEWARE = [
    "converter.metrics.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "converter.web.middleware.ResponseHeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "converter.web.middleware.ErrorsAsAnswersMiddleware",
    # Before CsrfViewMiddleware, which reads the whole body to find the token.
    "converter.web.middleware.AdmitBodyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "chrome_background_converter.urls"
WSGI_APPLICATION = "chrome_background_converter.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": config("DATABASE_PATH", default=str(VAR_DIR / "db.sqlite3")),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# --- Files
MEDIA_ROOT = Path(config("MEDIA_ROOT", default=str(BASE_DIR / "media")))
MEDIA_URL = "/media/"  # never served: downloads use tokens
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_ALLOW_ALL_ORIGINS = False  # only the page itself uses its static files
# Other users of the machine can't read the files.
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
S3_BUCKET = config("S3_BUCKET", default="")
STORAGES = {
    "default": s3.storage(
        S3_BUCKET,
        endpoint_url=config("S3_ENDPOINT_URL", default=""),
        region=config("S3_REGION", default=""),
        access_key=config("S3_ACCESS_KEY_ID", default=""),
        secret_key=config("S3_SECRET_ACCESS_KEY", default=""),
    )
    if S3_BUCKET
    else {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "chrome_background_converter.staticfiles.ModuleManifestStorage"
    },
}

# --- Tokens and job states. By default Django's backends keep 300 entries and evict at random.
CACHE_ENTRIES = 100_000


def _no_retries() -> object:
    """Disable redis-py's ten retries. The import is here because inline mode saves its 22 MB."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Retry(NoBackoff(), 0)


CACHE_DIR = config("CACHE_DIR", default=str(VAR_DIR / "cache"))
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            # Django's default is pickle, which would let anyone who can write to Redis run code.
            "serializer": "rq.serializers.JSONSerializer",
            "socket_connect_timeout": REDIS_TIMEOUT,
            "socket_timeout": REDIS_TIMEOUT,
            "retry": _no_retries(),
        },
    }
    if USE_RQ
    else {
        "BACKEND": "chrome_background_converter.cache.SweptFileCache",
        "LOCATION": CACHE_DIR,
        "OPTIONS": {"MAX_ENTRIES": CACHE_ENTRIES},
    }
}

# --- Security
USE_HTTPS = config("USE_HTTPS", default=False, cast=bool)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USE_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "converter.views.csrf_failure"
SECURE_SSL_REDIRECT = USE_HTTPS
# Probes inside the platform use plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health/$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if USE_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = USE_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if USE_HTTPS else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"djangos": {"()": "converter.logs.DjangoRequestFilter"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["djangos"]}
    },
    "root": {"handlers": ["console"], "level": "INFO"},
}
