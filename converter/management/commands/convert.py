"""`manage.py convert in.mp4 out.gif`: convert a file on the command line."""

import contextlib
import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError

from converter import conversions, storage
from converter.options import ConversionOptions
from converter.pipeline.errors import ConversionError
from converter.pipeline.profile import THEME_NAME_LENGTH, Fit, Loop, Quality, Selection
from converter.pipeline.screen import parse_screen
from converter.products import EXTRAS, Made
from converter.timecode import parse_timecode

BAR_WIDTH = 30
DEFAULTS = ConversionOptions()


class Command(BaseCommand):
    help = "Convert six seconds of a video into a GIF, a picture for Chrome and a Chrome theme."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path)
        parser.add_argument("output", type=Path)
        parser.add_argument("--start", default="00:00:00", help="HH:MM:SS or HH:MM:SS.mmm")
        parser.add_argument("--fit", choices=get_args(Fit), default=DEFAULTS.selection.fit)
        parser.add_argument("--focus", help="the visible part: x,y, each from 0 to 1")
        parser.add_argument("--quality", choices=get_args(Quality), default=DEFAULTS.quality)
        parser.add_argument("--loop", choices=get_args(Loop), default=DEFAULTS.loop)
        parser.add_argument("--picture", type=Path, help="also write the picture for Chrome")
        parser.add_argument("--theme", type=Path, help="also write a Chrome theme, a .zip")
        parser.add_argument("--screen", default=DEFAULTS.screen, help="1512x982@2 in CSS pixels")
        parser.add_argument(
            "--theme-name", default="", help=f"at most {THEME_NAME_LENGTH} characters"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        outputs: dict[str, Path] = {"gif": options["output"]}
        outputs |= {extra.key: options[extra.key] for extra in EXTRAS if options[extra.key]}
        for path in outputs.values():
            if not path.parent.is_dir():  # before the conversion, not after it
                raise CommandError(f"The folder {path.parent} does not exist.")
        asked = _options(options)
        control = conversions.new_control(asked, report=self._show)
        made: list[Made] = []
        with storage.workspace() as folder:
            try:
                files = conversions.make(options["source"], folder, asked, control=control)
                with contextlib.closing(files):
                    for file in files:
                        made.append(file)
                        if file.facts is not None:
                            _publish(file.path, outputs[file.product.key])
            except (ConversionError, OSError) as error:
                raise CommandError(_sentence(error)) from error
            finally:
                self._clear()
        for file in made:
            if file.facts is None:
                raise CommandError(file.error)
            self.stdout.write(f"{outputs[file.product.key]}: {_described(file.facts)}")

    def _show(self, stage: str, percent: int) -> None:
        if sys.stderr.isatty():
            bar = "#" * (BAR_WIDTH * percent // 100)
            self.stderr.write(f"\r{stage:8}[{bar:{BAR_WIDTH}}] {percent:3} %", ending="")

    def _clear(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("\r" + " " * (BAR_WIDTH + 18) + "\r", ending="")


def _options(options: dict[str, Any]) -> ConversionOptions:
    """Parse the command's options. Raises CommandError."""
    return ConversionOptions(
        selection=_selection(options),
        quality=options["quality"],
        loop=options["loop"],
        picture=options["picture"] is not None,
        theme=options["theme"] is not None,
        screen=_screen(options["screen"]),
        theme_name=options["theme_name"],
    )


def _selection(options: dict[str, Any]) -> Selection:
    chosen: dict[str, Any] = {"fit": options["fit"]}
    try:
        chosen["start_s"] = parse_timecode(options["start"])
        if options["focus"] is not None:
            chosen["focus_x"], chosen["focus_y"] = _shares(options["focus"])
    except ValueError:
        raise CommandError(
            "Give --start as HH:MM:SS and --focus as two numbers from 0 to 1, such as 0.5,0.5."
        ) from None
    return Selection(**chosen)


def _shares(text: str) -> tuple[float, float]:
    """Parse two numbers from 0 to 1, for example "0.25,1". Raises ValueError."""
    x, y = (float(share) for share in text.split(","))
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ValueError("not from 0 to 1")
    return x, y


def _screen(text: str) -> str:
    try:
        parse_screen(text)
    except ValueError:
        raise CommandError("Give --screen as WIDTHxHEIGHT@RATIO, such as 1512x982@2.") from None
    return text


def _described(facts: dict[str, Any]) -> str:
    what = facts["name"] if "name" in facts else f"{facts['frames']} frames"
    return f"{what}, {facts['bytes'] / 1e6:.1f} MB"


def _publish(finished: Path, output: Path) -> None:
    """Copy the finished file to `output` atomically."""
    beside = output.with_name(f".{output.name}.part")
    try:
        shutil.copyfile(finished, beside)  # in chunks, because a GIF may have 70 MB
        beside.replace(output)
    finally:
        beside.unlink(missing_ok=True)


def _sentence(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError):
        return f"Can't open {error.filename}: {error.strerror}."
    return str(error)
