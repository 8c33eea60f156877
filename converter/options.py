"""The options of a conversion, passed from the form to the worker as one object."""

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

from converter.pipeline.profile import DEFAULT_QUALITY, DEFAULT_SCREEN, Loop, Quality, Selection


@dataclass(frozen=True, kw_only=True)
class ConversionOptions:
    """The job's id and everything except the video that its result depends on."""

    job_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    selection: Selection = field(default_factory=Selection)
    quality: Quality = DEFAULT_QUALITY
    loop: Loop = "cut"
    picture: bool = False
    theme: bool = False
    screen: str = DEFAULT_SCREEN
    theme_name: str = ""
    layout: str = ""  # JSON (pipeline/source/layout.py); empty when the video is the whole file

    def as_json(self) -> dict[str, Any]:
        """Return the options as JSON values for the queue."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ConversionOptions":
        """Create the options from the values of `as_json`."""
        return cls(**{**values, "selection": Selection(**values["selection"])})
