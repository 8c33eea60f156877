"""`manage.py rqworker`: convert the jobs of the queue."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from converter import storage

START_AGAIN_S = 1.0


class Command(BaseCommand):
    help = "Convert the jobs of the queue (needs USE_RQ). SIGTERM lets a running conversion finish."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--burst", action="store_true", help="exit when the queue is empty")

    def handle(self, *args: Any, **options: Any) -> None:
        from converter import worker  # RQ is imported only where it is used

        if not worker.is_needed():
            raise CommandError("USE_RQ is off: there is no queue. Set USE_RQ=True.")
        storage.purge_expired()
        worker.import_pipeline()
        told_to_stop = threading.Event()
        while not worker.work(burst=options["burst"]):
            # RQ's signal handlers, which raise, stay in place when it has stopped working.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: told_to_stop.set())
            if told_to_stop.wait(START_AGAIN_S):
                break
