"""The field `layout`: valid and invalid values, and the sparse file that it describes."""

import json

import pytest

from converter.pipeline.errors import IncompleteUploadError
from converter.pipeline.source.layout import Layout, LayoutError, lay_out, parse_layout

LARGEST = 64 << 30
REFUSED = {
    "overlapping": {"size": 100, "ranges": [[0, 10], [5, 10]]},
    "touching": {"size": 100, "ranges": [[0, 10], [10, 10]]},
    "unordered": {"size": 100, "ranges": [[50, 10], [0, 10]]},
    "negative offset": {"size": 100, "ranges": [[-5, 10]]},
    "negative length": {"size": 100, "ranges": [[5, -1]]},
    "empty range": {"size": 100, "ranges": [[5, 0]]},
    "float": {"size": 100, "ranges": [[0, 10.0]]},
    "float size": {"size": 1e2, "ranges": [[0, 10]]},
    "true": {"size": 100, "ranges": [[0, True]]},
    "text": {"size": "100", "ranges": [[0, 10]]},
    "beyond the size": {"size": 100, "ranges": [[0, 10], [95, 6]]},
    "10^18": {"size": 10**18, "ranges": [[0, 10]]},
    "offset of 10^18": {"size": 100, "ranges": [[10**18, 10]]},
    "larger than 64 GiB": {"size": LARGEST + 1, "ranges": [[0, 10]]},
    "size of 0": {"size": 0, "ranges": [[0, 1]]},
    "no ranges": {"size": 100, "ranges": []},
    "5,000 ranges": {"size": 100_000, "ranges": [[n * 10, 5] for n in range(5000)]},
    "three numbers": {"size": 100, "ranges": [[0, 1, 2]]},
    "a range that is no list": {"size": 100, "ranges": ["01"]},
    "no size": {"ranges": [[0, 10]]},
    "another key": {"size": 100, "ranges": [[0, 10]], "name": "x"},
    "a list": [[0, 10]],
}


def test_a_layout_is_read():
    layout = parse_layout('{"size": 4012345678, "ranges": [[0, 48], [3999000000, 13345678]]}')
    assert layout == Layout(size=4012345678, ranges=((0, 48), (3999000000, 13345678)))
    assert layout.sent_bytes == 48 + 13345678
    assert parse_layout(layout.text) == layout


@pytest.mark.parametrize("kind", REFUSED)
def test_any_other_layout_is_refused(kind):
    with pytest.raises(LayoutError):
        parse_layout(json.dumps(REFUSED[kind]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "NaN",
        '{"size": NaN, "ranges": [[0, 1]]}',
        '{"size": Infinity, "ranges": [[0, 1]]}',
        '{"size": %s, "ranges": [[0, 1]]}' % ("9" * 5000),
        "[" * 30_000,
        '{"size": 5, "ranges": ' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"size": 5, "ranges": [[0, 1]]}' + " " * (128 * 1024),
        '{"size": 5, "ranges": [[0, 1]]} x',
        '"\\ud800"',
        "\ud800",
    ],
    ids=lambda text: f"{text[:20]!a}",
)
def test_text_that_is_no_layout_is_refused(text):
    with pytest.raises(LayoutError):
        parse_layout(text)


def test_a_layout_reports_which_bytes_were_sent():
    layout = Layout(size=100, ranges=((0, 10), (50, 50)))
    assert layout.covers(0, 10)
    assert layout.covers(5, 6)
    assert layout.covers(50, 100)
    assert layout.covers(60, 200)  # there is nothing past the end
    assert not layout.covers(0, 11)
    assert not layout.covers(9, 51)
    assert not layout.covers(10, 50)
    assert not layout.covers(49, 60)
    assert not layout.covers(-1, 5)


def test_the_restored_file_has_holes_that_take_no_disk_space(tmp_path):
    upload, whole = tmp_path / "upload", tmp_path / "whole"
    upload.write_bytes(b"abcde" + b"x" * 3_000_000)
    layout = Layout(size=LARGEST, ranges=((7, 5), (LARGEST - 3_000_000, 3_000_000)))
    lay_out(upload, layout, whole)
    status = whole.stat()
    assert status.st_size == LARGEST
    assert status.st_blocks * 512 < 3_000_000 + 100_000
    with whole.open("rb") as file:
        assert file.read(20) == bytes(7) + b"abcde" + bytes(8)
        file.seek(-3_000_001, 2)
        assert file.read() == b"\0" + b"x" * 3_000_000


def test_a_64_gib_file_with_one_sent_byte_takes_no_more_disk_space(tmp_path):
    (tmp_path / "upload").write_bytes(b"x")
    lay_out(tmp_path / "upload", Layout(size=LARGEST, ranges=((5, 1),)), tmp_path / "whole")
    assert (tmp_path / "whole").stat().st_blocks * 512 < 100_000


@pytest.mark.parametrize("sent", [b"abcd", b"abcdef"])
def test_an_upload_of_another_length_is_refused(tmp_path, sent):
    (tmp_path / "upload").write_bytes(sent)
    with pytest.raises(IncompleteUploadError):
        lay_out(tmp_path / "upload", Layout(size=9, ranges=((0, 5),)), tmp_path / "whole")
