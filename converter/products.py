"""The results of a conversion: the GIF, and extras, whose failure never loses the GIF."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.logs import one_line
from converter.options import ConversionOptions
from converter.pipeline.control import Control
from converter.pipeline.errors import ConversionCanceledError, ConversionTimeoutError

if TYPE_CHECKING:
    from converter.material import Material

log = logging.getLogger(__name__)

# s reserved for creating the links if an extra uses all other time.
HANDOVER_S = 3


@dataclass(frozen=True, kw_only=True)
class Product:
    """A kind of result: its key in records and responses, and how a browser saves it."""

    key: str
    filename: str
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Made:
    """One file of a conversion with its facts, or the error sentence of a failed extra."""

    product: Product
    path: Path
    facts: dict[str, Any] | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Extra(Product):
    """A product that is made after the GIF if the option named `key` is set.

    `write(material, output, control)` writes the file and returns its facts as plain values.
    `failed` and `out_of_time` are the error sentences for the client.
    """

    write: Callable[["Material", Path, Control], dict[str, Any]]
    failed: str
    out_of_time: str

    def make(self, material: "Material", folder: Path, *, control: Control) -> Made:
        """Write the file into `folder`. Raises ConversionCanceledError and nothing else."""
        output = folder / self.filename
        try:
            facts = self.write(material, output, control.with_reserve(HANDOVER_S))
        except ConversionCanceledError:
            raise
        except ConversionTimeoutError:
            return Made(product=self, path=output, error=self.out_of_time)
        except Exception as error:  # also a bug: the finished GIF must be delivered
            self.log_failure(error, job_id=material.options.job_id)
            return Made(product=self, path=output, error=self.failed)
        return Made(product=self, path=output, facts=facts)

    def log_failure(self, error: Exception, *, job_id: str) -> None:
        """Log why the file could not be made; the client gets the sentence `failed`."""
        detail = getattr(error, "detail", "") or repr(error)
        log.warning("job=%s %s failed: %s", job_id, self.key, one_line(detail))


def _write_picture(material: "Material", output: Path, control: Control) -> dict[str, Any]:
    picture = material.encoding.finish(frames=material.frames)
    if material.options.theme:  # which may use the file after it was handed out
        kept = output.with_name("picture")
        kept.hardlink_to(output)
        material.picture = replace(picture, path=kept)
    return picture.facts.described()


def _write_theme(material: "Material", output: Path, control: Control) -> dict[str, Any]:
    # Imported here, so that an idle web process doesn't load numpy.
    from converter.pipeline.theme.package import make_theme

    facts = make_theme(
        material.cut,
        output,
        sampler=material.sampler,
        frames=material.frames,
        screen=material.screen,
        name=material.options.theme_name,
        control=control,
        made=material.picture,
    )
    return facts.described()


GIF = Product(key="gif", filename="chromi_background.gif", content_type="image/gif")
# Chrome's "Upload an image" lists .png, .jpg and .gif, and detects the type by the content.
PICTURE = Extra(
    key="picture",
    filename="chromi_background.png",
    content_type="image/avif",
    write=_write_picture,
    failed="The picture for Chrome could not be made. Use the GIF instead.",
    out_of_time=(
        "There was no time left for the picture for Chrome. Use the GIF: Chrome takes it the same"
        " way."
    ),
)
THEME = Extra(
    key="theme",
    filename="chromi_theme.zip",
    content_type="application/zip",
    write=_write_theme,
    failed="The Chrome theme could not be made. The GIF is ready.",
    out_of_time="There was not enough time for the Chrome theme. The GIF is ready.",
)
EXTRAS = (PICTURE, THEME)


def extras_of(options: ConversionOptions) -> list[Extra]:
    """Return the requested extras in the order in which they are made."""
    return [extra for extra in EXTRAS if getattr(options, extra.key)]
