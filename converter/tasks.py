"""The task that RQ runs in a worker."""

from typing import Any

from converter import conversions
from converter.options import ConversionOptions


def convert_video_task(upload: str, options: dict[str, Any]) -> None:
    """Convert the stored upload; `options` are those of ConversionOptions.as_json."""
    conversions.convert_stored(upload, ConversionOptions.from_json(options))
