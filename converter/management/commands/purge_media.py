"""`manage.py purge_media`: the sweep by hand."""

from typing import Any

from django.core.management.base import BaseCommand

from converter import storage


class Command(BaseCommand):
    help = "Remove files that nobody will fetch or finish any more."
    requires_system_checks: tuple[str, ...] = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{storage.purge_expired()} removed")
