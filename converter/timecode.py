"""Time codes "HH:MM:SS" or "HH:MM:SS.mmm" and the seconds they stand for; pure."""

import re

# ASCII digits only: \d also matches Arabic ones. Two digits of hours are plenty.
_TIMECODE = re.compile(r"([0-9]{2}):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,3}))?")


def parse_timecode(text: str) -> float:
    """Seconds of the time code. Raises ValueError.

    >>> parse_timecode("00:01:02.5")
    62.5
    """
    match = _TIMECODE.fullmatch(text)
    if match is None:
        raise ValueError("not a time code")
    hours, minutes, seconds = (int(match[n]) for n in (1, 2, 3))
    milliseconds = int((match[4] or "").ljust(3, "0"))
    return (((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds) / 1000


def format_timecode(seconds: float) -> str:
    """The time code of `seconds` (0 to below 100 hours), with milliseconds only if there are any.

    >>> format_timecode(62.5), format_timecode(3600)
    ('00:01:02.500', '01:00:00')
    """
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, s = divmod(whole, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}:{s:02}"
    return f"{text}.{milliseconds:03}" if milliseconds else text
