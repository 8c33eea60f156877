"""How gunicorn runs Chromi. `gunicorn chrome_background_converter.wsgi` reads this by itself."""

import logging
import signal
import sys
import threading
import time

from decouple import config as env  # `config` is a setting of gunicorn
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

bind = f"{env('HOST', default='0.0.0.0')}:{env('PORT', default=8000, cast=int)}"  # noqa: S104 - a platform's router
# One process: conversions bound themselves (MAX_CONVERSIONS a process), and 512 MB hold one.
workers = env("WEB_CONCURRENCY", default=1, cast=int)
# Threads only carry bytes. The original ran two, to bound memory, and two slow uploads took the
# whole site down, /health/ included; converter/web/admission.py keeps one of these free for it.
worker_class = "converter.web.gunicorn_worker.Worker"
threads = env("WEB_THREADS", default=8, cast=int)
# With threads this watches the worker as a whole, not a request: a conversion has its own deadline.
timeout = 120
# SIGTERM lets a running conversion end: its own deadline, then a margin to hand out the link.
graceful_timeout = env("CONVERSION_TIMEOUT", default=100, cast=int) + 15
# A worker that restarts now and then gives back whatever a library may leak; ours waits with it
# until nothing runs (server.py).
max_requests = 1000
max_requests_jitter = 100
# gunicorn 27 would open a control socket in the home directory.
control_socket_disable = True
accesslog = "-"
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(B)s %(L)ss"

# How often the sweep is offered; it takes it up once a minute.
OFFER_SWEEP_EVERY_S = 5


class Log(Logger):
    """Access lines without the tokens in download addresses, each one line."""

    def atoms(self, resp, req, environ, request_time):
        from converter.logs import printable, without_token

        atoms = super().atoms(resp, req, environ, request_time)
        # There is no address in a request that gunicorn itself refuses.
        return atoms | {"U": printable(without_token(atoms["U"] or "-"))}


logger_class = Log


def refuse_a_wrong_deployment():
    """Run the system checks; gunicorn ends when a worker leaves with its WORKER_BOOT_ERROR."""
    from django.core.management import call_command
    from django.core.management.base import SystemCheckError

    try:
        call_command("check")
    except SystemCheckError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(Arbiter.WORKER_BOOT_ERROR)


def on_starting(server):
    """Refuse TLS: the worker looks at a request's first bytes before it is decrypted."""
    if server.cfg.is_ssl:
        print(  # noqa: T201
            "--certfile and --keyfile are not supported: serve HTTPS by a proxy in front"
            " (USE_HTTPS=True).",
            file=sys.stderr,
        )
        sys.exit(1)


def post_fork(server, worker):
    """Bound what threads keep of freed memory, before there are any."""
    from chrome_background_converter.memory import share_one_heap

    share_one_heap()


def post_request(worker, req, environ, resp):
    """Give a conversion's memory back."""
    if req.path == "/convert/":
        from chrome_background_converter.memory import give_back

        give_back()


def patiently(act):
    """Do it, and whatever the disk or Redis says of it now, live on for the next time."""
    try:
        act()
    except Exception as error:
        logging.getLogger("converter.storage").warning("%s: %r", act.__name__, error)


def post_worker_init(worker):
    """Stop taking uploads on SIGTERM; remove what a killed process left, now and once a minute."""
    # Not when a worker is replaced later: Redis may be away for a moment then.
    if worker.age <= workers:
        refuse_a_wrong_deployment()

    from converter import jobs, storage
    from converter.web import admission

    def stop(number, frame):
        admission.closing.set()
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, stop)

    def sweep_for_ever():
        patiently(storage.purge_expired)
        while True:
            time.sleep(OFFER_SWEEP_EVERY_S)
            patiently(storage.sweep_if_due)
            patiently(jobs.recover_abandoned)

    threading.Thread(target=sweep_for_ever, name="sweep", daemon=True).start()
