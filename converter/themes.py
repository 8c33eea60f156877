"""A conversion's second half: the Chrome theme, which never costs the GIF."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.logs import one_line
from converter.pipeline.control import Control
from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionError,
    ConversionTimeoutError,
)
from converter.pipeline.picture.formats import best_format
from converter.pipeline.profile import Selection
from converter.pipeline.screen import parse_screen

if TYPE_CHECKING:
    from converter.pipeline.source.source import Source
    from converter.pipeline.theme.colours import Look

log = logging.getLogger(__name__)

# What handing the links over may take when the theme has used all other time.
HANDOVER_S = 3
NO_TIME = "There was no time left for the Chrome theme. The GIF is ready."
FAILED = "The Chrome theme could not be made. The GIF is ready."


def are_possible() -> bool:
    """Whether the ffmpeg at hand writes a picture that Chrome animates at every scale."""
    try:
        return best_format() is not None
    except (ConversionError, OSError):  # no ffmpeg at all: the page still loads
        return False


def new_look() -> "Look":
    """What is to see the GIF's frames pass: the theme's colours and icons come from them."""
    # Imported here: an idle web process does without numpy.
    from converter.pipeline.theme.colours import Look

    return Look()


def no_theme(error: Exception, *, job_id: str) -> dict[str, Any]:
    """What the record says in a theme's place; the log says why."""
    detail = getattr(error, "detail", "") or repr(error)
    log.warning("job=%s theme failed: %s", job_id, one_line(detail))
    return {"theme_error": FAILED}


def make(
    source: "Source",
    output: Path,
    *,
    selection: Selection,
    look: "Look",
    screen: str,
    name: str,
    control: Control,
    job_id: str,
) -> dict[str, Any]:
    """{"theme": its facts}, the zip at `output`; or {"theme_error": why there is none}.

    Raises ConversionCanceledError and nothing else.
    """
    from converter.pipeline.theme.package import make_theme

    try:
        facts = make_theme(
            source,
            output,
            selection=selection,
            look=look,
            screen=parse_screen(screen),
            name=name,
            control=control.with_reserve(HANDOVER_S),
        )
    except ConversionCanceledError:
        raise
    except ConversionTimeoutError:
        return {"theme_error": NO_TIME}
    except Exception as error:  # a fault of ours too: the GIF is made, and must come
        return no_theme(error, job_id=job_id)
    return {"theme": facts.described()}
