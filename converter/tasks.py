"""RQ as seen from the worker: one more caller of the one service; no logic here."""

from typing import Any

from converter import conversions


def convert_video_task(job_id: str, upload: str, arguments: dict[str, Any]) -> None:
    """Convert the stored upload; `arguments` are the options as the queue carried them."""
    options = conversions.ConversionOptions(**arguments)
    conversions.convert_stored_upload(upload, options, job_id=job_id)
