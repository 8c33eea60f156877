"""Django's test client, and a replacement of the pipeline that converts nothing."""

from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from converter.pipeline.gif.inspect import GifFacts
from converter.pipeline.gif.timing import delay_cs
from tests.support.uploads import PICTURE

PLAN = object()  # what plan_blend returns for `loop=blend`
FRAME = np.full((72, 128, 3), 9, np.uint8)


@pytest.fixture
def converted(monkeypatch) -> list[dict]:
    """Replace convert_video by a function that writes PICTURE; return its calls' arguments."""
    calls: list[dict] = []

    def convert(source, output: Path, **options) -> GifFacts:
        calls.append({"source": source, **options})
        options["control"].report("encode", 0.5)
        if options["on_frame"]:
            options["on_frame"](FRAME)
        output.write_bytes(PICTURE)
        delays = tuple(delay_cs(k, fps=24) for k in range(144))
        return GifFacts(width=1280, height=720, delays=delays, loop=0, bytes=len(PICTURE))

    monkeypatch.setattr("converter.pipeline.source.source.probe", lambda path, **options: None)
    monkeypatch.setattr("converter.pipeline.convert.convert_video", convert)
    monkeypatch.setattr("converter.pipeline.convert.plan_blend", lambda *args, **options: PLAN)
    return calls


@pytest.fixture
def client(media_root) -> Client:
    return Client()
