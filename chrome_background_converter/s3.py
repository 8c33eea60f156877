"""The bucket that web and workers share, as an entry of Django's STORAGES."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, ATTEMPTS = 5, 30, 3
# Bytes of a file that are buffered in memory; by default django-storages buffers the whole file.
MEMORY_BYTES = 1 << 20


def storage(
    bucket: str, *, endpoint_url: str, region: str, access_key: str, secret_key: str
) -> dict[str, Any]:
    """Return the storage options for private objects; an empty string means boto's default.

    No ACL is sent: objects without an ACL are private, and new buckets refuse ACLs.
    `file_overwrite` skips the request that checks whether a name exists, since names are UUIDs.
    """
    try:
        from botocore.config import Config
    except ImportError:
        raise ImproperlyConfigured("S3_BUCKET needs: pip install -r requirements-s3.txt") from None
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": endpoint_url or None,
            "region_name": region or None,
            "access_key": access_key or None,
            "secret_key": secret_key or None,
            "default_acl": None,
            "file_overwrite": True,
            "max_memory_size": MEMORY_BYTES,
            "use_threads": False,
            "client_config": Config(
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
                retries={"total_max_attempts": ATTEMPTS},
                signature_version="s3v4",
            ),
        },
    }
