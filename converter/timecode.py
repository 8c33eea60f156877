"""Parse time codes "HH:MM:SS" and "HH:MM:SS.mmm"."""

import re

# ASCII digits only, since \d also matches Arabic digits.
_TIMECODE = re.compile(r"([0-9]{2}):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,3}))?")


def parse_timecode(text: str) -> float:
    """Return the time code's seconds. Raises ValueError.

    >>> parse_timecode("00:01:02.5")
    62.5
    """
    match = _TIMECODE.fullmatch(text)
    if match is None:
        raise ValueError("not a time code")
    hours, minutes, seconds = (int(match[n]) for n in (1, 2, 3))
    milliseconds = int((match[4] or "").ljust(3, "0"))
    return (((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds) / 1000
