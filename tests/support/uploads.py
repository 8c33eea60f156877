"""Uploads for Django's test client, and the result that the replaced pipeline writes."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

MP4_HEAD = b"\0\0\0\x18ftypisom\0\0\2\0isommp41"
PICTURE = b"GIF89a" + bytes(200_000)
# A UUID4 of no job and no link. It is a constant because it appears in the names of parametrized
# tests, which must be the same in all processes of pytest-xdist.
UNKNOWN_ID = "7f3a6c1e-8a53-4a3c-9a43-0b8d6a5e2f10"


def clip_file(name: str = "clip.mp4", content: bytes = MP4_HEAD) -> SimpleUploadedFile:
    """Return an upload with the given file name and content."""
    return SimpleUploadedFile(name, content, content_type="video/mp4")


def post_clip(client: Client, **fields: object):
    """Post a clip and these fields to /convert/; return the response."""
    return client.post("/convert/", {"video": clip_file(), **fields})
