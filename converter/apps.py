"""Configuration of the Django app."""

from django.apps import AppConfig


class ConverterConfig(AppConfig):
    name = "converter"

    def ready(self) -> None:
        from converter import checks  # noqa: F401 - registers the system checks
