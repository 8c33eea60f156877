"""Read what the documents are compared with."""

import re

from tests.support.files import ROOT


def names_read(*files: str) -> set[str]:
    """Return the names of the environment variables that the given files read with decouple."""
    text = "".join((ROOT / name).read_text() for name in files)
    return set(re.findall(r"\b(?:config|env)\(\s*['\"](\w+)['\"]", text))
