"""Time codes are parsed to seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.timecode import parse_timecode


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:00", 0),
        ("00:00:05", 5),
        ("01:02:03", 3723),
        ("99:59:59.999", 359999.999),
        ("00:00:01.5", 1.5),
        ("00:00:01.05", 1.05),
        ("00:00:01.005", 1.005),
    ],
)
def test_a_time_code_is_parsed(text, seconds):
    assert parse_timecode(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "0:0:5", "00:60:00", "00:00:60", "-0:00:01", "00:00:01.", "00:00:01.0005", "nan",
     "1e9", "٠٠:٠٠:٠١", "00:00:05\n", " 00:00:05", "00:00:05;ls", "9" * 10_000],
)  # fmt: skip
def test_an_invalid_time_code_is_refused(text):
    with pytest.raises(ValueError, match=r"^not a time code$"):
        parse_timecode(text)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_every_millisecond_of_a_hundred_hours_round_trips(h, m, s, ms):
    text = f"{h:02}:{m:02}:{s:02}.{ms:03}"
    assert parse_timecode(text) == (h * 3_600_000 + m * 60_000 + s * 1000 + ms) / 1000
