"""`manage.py purge_media`: remove expired and abandoned files now."""

from typing import Any

from django.core.management.base import BaseCommand

from converter import storage


class Command(BaseCommand):
    help = "Remove expired results and abandoned uploads."
    requires_system_checks: tuple[str, ...] = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{storage.purge_expired()} removed")
