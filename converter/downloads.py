"""The one-time link: the only place that knows dl:<uuid4>."""

import time
import uuid
from dataclasses import asdict, dataclass

from django.conf import settings
from django.core.cache import cache


@dataclass(frozen=True, kw_only=True)
class Download:
    """What a token stands for: the stored file's name, how it is saved, until when (Unix s)."""

    name: str
    filename: str
    content_type: str
    expires_at: float


def _key(token: str) -> str:
    return f"dl:{token}"


def _revoked_key(token: str) -> str:
    return f"revoked:{token}"


def issue(name: str, *, filename: str, content_type: str) -> str:
    """A fresh token for the stored file `name`, good for DOWNLOAD_TTL s."""
    token = str(uuid.uuid4())
    _keep(
        token,
        Download(
            name=name,
            filename=filename,
            content_type=content_type,
            expires_at=time.time() + settings.DOWNLOAD_TTL,
        ),
    )
    return token


def peek(token: str) -> Download | None:
    """What the token stands for, spending nothing; None when it is used or expired."""
    found = cache.get(_key(token))
    return Download(**found) if found else None


def redeem(token: str) -> Download | None:
    """What the token stands for, to exactly one caller in any race; None to all others.

    The winner is the one whose delete removed the key: get-then-delete alone hands a file out up
    to 50 times (measured, on the file cache and on Redis).
    """
    found = peek(token)
    return found if found is not None and cache.delete(_key(token)) else None


def revoke(token: str) -> Download | None:
    """`redeem`, and should a transfer have won the token: it does not come back from there."""
    cache.set(_revoked_key(token), True, settings.DOWNLOAD_TTL)  # first: give_back looks last
    return redeem(token)


def give_back(token: str, download: Download) -> bool:
    """Make the token good again for the rest of its time: its transfer broke off.

    False if it was revoked meanwhile: then the file is the caller's to remove.
    """
    if cache.get(_revoked_key(token)):  # before, so that nobody wins it for a moment
        return False
    _keep(token, download)
    if not cache.get(_revoked_key(token)):
        return True
    redeem(token)
    return False


def _keep(token: str, download: Download) -> None:
    left = download.expires_at - time.time()
    if left > 0:
        cache.set(_key(token), asdict(download), left)
