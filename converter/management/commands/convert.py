"""`manage.py convert in.mp4 out.gif`: the same pipeline, from the shell."""

import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from converter import storage
from converter.pipeline.control import STAGES, STAGES_WITH_THEME, Control
from converter.pipeline.errors import ConversionError
from converter.pipeline.profile import THEME_NAME_LENGTH, Selection
from converter.pipeline.screen import DEFAULT_SCREEN, Screen, parse_screen
from converter.timecode import parse_timecode

BAR_WIDTH = 30


class Command(BaseCommand):
    help = "Convert six seconds of a video into a GIF for a Chrome theme."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path)
        parser.add_argument("output", type=Path)
        parser.add_argument("--start", default="00:00:00", help="HH:MM:SS or HH:MM:SS.mmm")
        parser.add_argument("--fit", choices=["cover", "contain"], default="cover")
        parser.add_argument("--focus", default="0.5,0.5", help="what stays in view: x,y, 0 to 1")
        parser.add_argument("--quality", choices=["high", "small"], default="high")
        parser.add_argument("--theme", type=Path, help="also write a Chrome theme, a .zip")
        parser.add_argument("--screen", default=DEFAULT_SCREEN, help="1512x982@2 in CSS pixels")
        parser.add_argument(
            "--theme-name", default="", help=f"at most {THEME_NAME_LENGTH} characters"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from converter.pipeline.convert import convert_video
        from converter.pipeline.source.source import open_source
        from converter.pipeline.theme.colours import Look
        from converter.pipeline.theme.package import make_theme

        screen, look, theme = _screen(options), Look(), options["theme"]
        selection = _framing(options)
        output: Path = options["output"]
        for path in filter(None, (output, theme)):
            if not path.parent.is_dir():  # said now, not when all is converted
                raise CommandError(f"There is no folder {path.parent}.")
        control = Control(
            timeout_s=settings.CONVERSION_TIMEOUT,
            report=self._show,
            stages=STAGES_WITH_THEME if theme else STAGES,
        )
        with storage.workspace() as folder:
            gif = folder / "background.gif"
            try:
                source = open_source(
                    options["source"], max_pixels=settings.MAX_PIXELS, control=control
                )
                facts = convert_video(
                    source,
                    gif,
                    selection=selection,
                    quality=options["quality"],
                    control=control,
                    see=look.see,
                )
                _publish(gif, output)
                if theme:
                    made = make_theme(
                        source,
                        folder / "theme.zip",
                        selection=selection,
                        look=look,
                        screen=screen,
                        name=options["theme_name"],
                        control=control,
                    )
                    _publish(folder / "theme.zip", theme)
            except (ConversionError, OSError) as error:
                raise CommandError(_sentence(error)) from error
            finally:
                self._clear()
        self.stdout.write(f"{output}: {facts.frames} frames, {facts.bytes / 1e6:.1f} MB")
        if theme:
            self.stdout.write(f"{theme}: {made.name}, {made.bytes / 1e6:.1f} MB")

    def _show(self, stage: str, percent: int) -> None:
        if sys.stderr.isatty():
            bar = "#" * (BAR_WIDTH * percent // 100)
            self.stderr.write(f"\r{stage:8}[{bar:{BAR_WIDTH}}] {percent:3} %", ending="")

    def _clear(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("\r" + " " * (BAR_WIDTH + 18) + "\r", ending="")


def _framing(options: dict[str, Any]) -> Selection:
    """The selection of the command's options. Raises CommandError."""
    try:
        x, y = (float(share) for share in options["focus"].split(","))
        start = parse_timecode(options["start"])
    except ValueError:
        raise CommandError(
            "Give --start as HH:MM:SS and --focus as two numbers from 0 to 1, such as 0.5,0.5."
        ) from None
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise CommandError("Give --focus as two numbers from 0 to 1, such as 0.5,0.5.")
    return Selection(start_s=start, fit=options["fit"], focus_x=x, focus_y=y)


def _screen(options: dict[str, Any]) -> Screen:
    """The screen of the command's options. Raises CommandError."""
    try:
        return parse_screen(options["screen"])
    except ValueError:
        raise CommandError("Give --screen as WIDTHxHEIGHT@RATIO, such as 1512x982@2.") from None


def _publish(finished: Path, output: Path) -> None:
    """Put the finished file at `output` in one step, so that nobody sees half of it."""
    beside = output.with_name(f".{output.name}.part")
    try:
        shutil.copyfile(finished, beside)  # in pieces: a wild clip's GIF has 70 MB
        beside.replace(output)
    finally:
        beside.unlink(missing_ok=True)


def _sentence(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError):
        return f"Can't open {error.filename}: {error.strerror}."
    return str(error)
