"""Build a theme's manifest and check it, also by rules that Chromium does not enforce.

Sources: https://developer.chrome.com/docs/extensions/reference/manifest and .../develop/ui/themes.
"""

import unicodedata
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from converter.pipeline.colours import RGB
from converter.pipeline.profile import DEFAULT_THEME_NAME, THEME_NAME_LENGTH, Scale
from converter.pipeline.theme.colours import MIN_CONTRAST, ThemeColours, contrast, readable_on

DESCRIPTION = "Six seconds of video behind every New Tab page, made with Chromi."
VERSION = "1.0.0"
DESCRIPTION_LENGTH = 132
ICONS = (16, 48, 128)
KEYS = {"manifest_version", "name", "version", "description", "icons", "theme"}
# Each text colour, and the background colour behind it.
TEXTS = {
    "tab_text": "toolbar",
    "bookmark_text": "toolbar",
    "toolbar_text": "toolbar",
    "toolbar_button_icon": "toolbar",
    "tab_background_text": "frame",
    "tab_background_text_inactive": "frame_inactive",
    "ntp_text": "ntp_background",
    "ntp_link": "ntp_background",
    "omnibox_text": "omnibox_background",
}
# File types that Chromium extracts from a dropped zip (chrome/browser/extensions/
# zipfile_installer.cc). It ignores others, such as .avif, without an error.
UNPACKED = (".bmp", ".gif", ".jpeg", ".jpg", ".json", ".png", ".webp")
_JOINERS = "\u200c\u200d"  # inside emoji and some scripts


def theme_name(typed: str) -> str:
    """Return the name without invisible characters, at most 75 long; a default if it is empty.

    Chromium counts UTF-16 units and reads __MSG_name__ as a translation's key.

    >>> theme_name("  My \\u202e  clip "), theme_name("")
    ('My clip', 'Chromi theme')
    """
    seen = "".join(
        c if c in _JOINERS or unicodedata.category(c)[0] not in "CZ" else " " for c in typed
    )
    name = " ".join(seen.replace("__MSG_", "MSG_").split())
    while len(name.encode("utf-16-le")) // 2 > THEME_NAME_LENGTH:
        name = name[:-1]
    return name.strip(_JOINERS + " ") or DEFAULT_THEME_NAME


def colours(given: ThemeColours) -> dict[str, list[int]]:
    """Return all colours of the theme, because Chrome uses its default for a missing one."""
    grounds = {
        "frame": given.frame,
        "frame_inactive": given.frame,
        "toolbar": given.toolbar,
        "ntp_background": given.ntp_background,
        "omnibox_background": given.frame,
    }
    texts = {name: _text(given, grounds[ground]) for name, ground in TEXTS.items()}
    return {name: list(colour) for name, colour in (grounds | texts).items()}


def _text(given: ThemeColours, ground: RGB) -> RGB:
    """Return the theme's text colour if its contrast to `ground` is enough, otherwise another."""
    if contrast(given.text, ground) >= MIN_CONTRAST:
        return given.text
    return readable_on(ground)


def build(
    *, name: str, theme_colours: ThemeColours, pictures: Mapping[Scale, str]
) -> dict[str, Any]:
    """Return the manifest; `pictures` are paths in the zip by scale."""
    return {
        "manifest_version": 3,
        "name": name,
        "version": VERSION,
        "description": DESCRIPTION,
        "icons": {str(side): f"icons/{side}.png" for side in ICONS},
        "theme": {
            "images": {"theme_ntp_background": dict(sorted(pictures.items()))},
            "colors": colours(theme_colours),
            "properties": {
                "ntp_background_alignment": "center",
                "ntp_background_repeat": "no-repeat",
            },
        },
    }


def faults(manifest: Mapping[str, Any], *, files: set[str]) -> list[str]:
    """Return the rules that the manifest of a zip with `files` violates."""
    name, theme = str(manifest.get("name", "")), manifest.get("theme", {})
    pictures = theme.get("images", {}).get("theme_ntp_background", {})
    icons = manifest.get("icons", {})
    named = [*icons.values(), *(pictures.values() if isinstance(pictures, dict) else [])]
    units = len(name.encode("utf-16-le", "surrogatepass")) // 2
    rules = {
        "manifest_version must be 3": manifest.get("manifest_version") == 3,
        f"name must have 1 to {THEME_NAME_LENGTH} characters": 0 < units <= THEME_NAME_LENGTH,
        "name must not begin or end with a space": name == name.strip(),
        "version must be 1.0.0": manifest.get("version") == VERSION,
        f"description must have at most {DESCRIPTION_LENGTH} characters": len(
            str(manifest.get("description", ""))
        )
        <= DESCRIPTION_LENGTH,
        "a theme has no use for other keys": set(manifest) <= KEYS,
        "icons must be there in 16, 48 and 128 px": set(icons) == {str(side) for side in ICONS},
        "pictures must be there at 100 and 200": isinstance(pictures, dict)
        and set(pictures) == {"100", "200"},
        "each file named must be in the zip": all(path in files for path in named),
        f"pictures must end in one of {' '.join(UNPACKED)}": all(
            PurePath(path).suffix in UNPACKED for path in named
        ),
    }
    return [rule for rule, holds in rules.items() if not holds] + _colour_faults(
        theme.get("colors", {})
    )


def _colour_faults(given: Mapping[str, Any]) -> list[str]:
    bad = [
        f"{name} must be three integers from 0 to 255" for name in given if not _is_rgb(given[name])
    ]
    if bad:
        return bad
    missing = [name for pair in TEXTS.items() for name in pair if name not in given]
    if missing:
        return [f"{name} must be given" for name in sorted(set(missing))]
    return [
        f"{text} can't be read on {ground}"
        for text, ground in TEXTS.items()
        if contrast(tuple(given[text]), tuple(given[ground])) < MIN_CONTRAST
    ]


def _is_rgb(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(type(v) is int and 0 <= v <= 255 for v in value)
    )
