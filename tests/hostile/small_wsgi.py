"""The whole application, but its GIFs are 160x90: the corpus asks for truth, not for pixels."""

from tests.hostile.shrunk import application, convert_to  # noqa: F401

convert_to(160, 90, seconds=6)
