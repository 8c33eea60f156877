"""What a conversion gives: the GIF, and extras, which never cost the GIF when they fail."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.logs import one_line
from converter.options import ConversionOptions
from converter.pipeline.control import Control
from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionError,
    ConversionTimeoutError,
)
from converter.pipeline.picture.formats import best_format
from converter.pipeline.screen import parse_screen

if TYPE_CHECKING:
    from converter.pipeline.source.source import Source
    from converter.pipeline.theme.colours import Look

log = logging.getLogger(__name__)

# Time that is left for handing out the links when an extra has used all other time.
HANDOVER_S = 3


@dataclass(frozen=True, kw_only=True)
class Product:
    """A kind of file: its key in the record and in the answer, and how a browser saves it."""

    key: str
    filename: str
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Made:
    """One file of a conversion and its facts; or no facts, and why the extra could not be made."""

    product: Product
    path: Path
    facts: dict[str, Any] | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Material:
    """What an extra is made from: the source, the options, and the colours of the GIF's frames."""

    source: "Source"
    options: ConversionOptions
    look: "Look"


@dataclass(frozen=True, kw_only=True)
class Extra(Product):
    """A product that is made after the GIF if the option named `key` asks for it.

    `write(material, output, control)` writes the file and returns its facts as plain values.
    `failed` and `out_of_time` are what the client is told where it can't.
    """

    write: Callable[[Material, Path, Control], dict[str, Any]]
    failed: str
    out_of_time: str

    def make(self, material: Material, folder: Path, *, control: Control) -> Made:
        """Write the file into `folder`. Raises ConversionCanceledError and nothing else."""
        output = folder / self.filename
        try:
            facts = self.write(material, output, control.with_reserve(HANDOVER_S))
        except ConversionCanceledError:
            raise
        except ConversionTimeoutError:
            return Made(product=self, path=output, error=self.out_of_time)
        except Exception as error:  # a bug of ours too: the GIF is made, and must come
            self.log_failure(error, job_id=material.options.job_id)
            return Made(product=self, path=output, error=self.failed)
        return Made(product=self, path=output, facts=facts)

    def log_failure(self, error: Exception, *, job_id: str) -> None:
        """Log why there is no file; the client is told the sentence `failed`."""
        detail = getattr(error, "detail", "") or repr(error)
        log.warning("job=%s %s failed: %s", job_id, self.key, one_line(detail))


def themes_are_possible() -> bool:
    """Whether the ffmpeg at hand writes a picture that Chrome animates at every scale."""
    try:
        return best_format() is not None
    except (ConversionError, OSError):  # no ffmpeg at all: the page still loads
        return False


def _write_theme(material: Material, output: Path, control: Control) -> dict[str, Any]:
    # Imported here: an idle web process does without numpy.
    from converter.pipeline.theme.package import make_theme

    options = material.options
    facts = make_theme(
        material.source,
        output,
        selection=options.selection,
        look=material.look,
        screen=parse_screen(options.screen),
        name=options.theme_name,
        control=control,
    )
    return facts.described()


GIF = Product(key="gif", filename="chromi_background.gif", content_type="image/gif")
EXTRAS = (
    Extra(
        key="theme",
        filename="chromi_theme.zip",
        content_type="application/zip",
        write=_write_theme,
        failed="The Chrome theme could not be made. The GIF is ready.",
        out_of_time="There was no time left for the Chrome theme. The GIF is ready.",
    ),
)


def extras_of(options: ConversionOptions) -> list[Extra]:
    """The extras that the options ask for, in the order in which they are made."""
    return [extra for extra in EXTRAS if getattr(options, extra.key)]
