"""The whole application, but its GIFs are two seconds long: memory and load ask for size."""

from tests.hostile.shrunk import application, convert_to  # noqa: F401

convert_to(1280, 720, seconds=2)
