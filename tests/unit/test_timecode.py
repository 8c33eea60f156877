"""Time codes and seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.timecode import format_timecode, parse_timecode


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
def test_a_time_code_is_read(text, seconds):
    assert parse_timecode(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "0:0:5", "00:60:00", "00:00:60", "-0:00:01", "00:00:01.", "00:00:01.0005", "nan",
     "1e9", "٠٠:٠٠:٠١", "00:00:05\n", " 00:00:05", "00:00:05;ls", "9" * 10_000],
)  # fmt: skip
def test_anything_else_is_not_a_time_code(text):
    with pytest.raises(ValueError, match="not a time code"):
        parse_timecode(text)


@given(st.integers(0, 359_999_999))
def test_what_is_written_is_read_back(milliseconds):
    assert parse_timecode(format_timecode(milliseconds / 1000)) == milliseconds / 1000
