"""The bucket that web nodes and workers share, as an entry of Django's STORAGES."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, ATTEMPTS = 5, 30, 3
# What a file may take in memory while it is read; django-storages' default is: all of it.
MEMORY_BYTES = 1 << 20


def storage(
    bucket: str, *, endpoint_url: str, region: str, access_key: str, secret_key: str
) -> dict[str, Any]:
    """Private objects, which nobody can list or read but with our key; empty strings: boto's own.

    No ACL is sent: without one an object is its owner's alone, and new buckets refuse any.
    `file_overwrite` leaves out the look whether a name is taken: ours are UUIDs.
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
