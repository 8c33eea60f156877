"""Configuration of gunicorn; `gunicorn chrome_background_converter.wsgi` reads it automatically."""

import logging
import signal
import sys
import threading
import time

from decouple import config as env  # `config` is a setting of gunicorn
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

bind = f"{env('HOST', default='0.0.0.0')}:{env('PORT', default=8000, cast=int)}"  # noqa: S104 - a platform's router
# One process, because MAX_CONVERSIONS counts per process and 512 MB are enough for one conversion.
workers = env("WEB_CONCURRENCY", default=1, cast=int)
# Threads only transfer bytes. With two threads two slow uploads would block the whole site, so
# there are eight, and converter/web/admission.py keeps one of them free for /health/.
worker_class = "converter.web.gunicorn_worker.Worker"
threads = env("WEB_THREADS", default=8, cast=int)
# With threads this limits the worker, not a request; conversions have their own deadline.
timeout = 120
# After SIGTERM a running conversion may finish: its deadline, and a margin to send the response.
graceful_timeout = env("CONVERSION_TIMEOUT", default=100, cast=int) + 15
# Restarting a worker frees what a library may leak. gunicorn_worker.py delays it until no request
# runs.
max_requests = 1000
max_requests_jitter = 100
# gunicorn 27 opens a control socket in the home directory by default.
control_socket_disable = True
accesslog = "-"
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(B)s %(L)ss request=%(request_id)s"

# Interval in which sweep_if_due is called; it sweeps once a minute.
OFFER_SWEEP_EVERY_S = 5


class Log(Logger):
    """Write each request in one line, without download tokens."""

    def atoms(self, resp, req, environ, request_time):
        from converter.logs import printable, request_id, without_token

        atoms = super().atoms(resp, req, environ, request_time)
        # A request that gunicorn itself refuses has no path.
        return atoms | {
            "U": printable(without_token(atoms["U"] or "-")),
            "request_id": request_id(environ.get("HTTP_X_REQUEST_ID", "")),
        }


logger_class = Log


def refuse_a_wrong_deployment():
    """Run the system checks; exit with WORKER_BOOT_ERROR, which stops gunicorn, if one fails."""
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
    """Configure the heap before threads are started."""
    from chrome_background_converter.memory import share_one_heap

    share_one_heap()


def post_request(worker, req, environ, resp):
    """Return a conversion's memory to the system."""
    if req.path == "/convert/":
        from chrome_background_converter.memory import trim_heap

        trim_heap()


def log_failure_of(act):
    """Call `act`; log an exception, so that the thread continues."""
    try:
        act()
    except Exception as error:
        logging.getLogger("converter.storage").warning("%s: %r", act.__name__, error)


def post_worker_init(worker):
    """Refuse uploads after SIGTERM; remove abandoned files now and once a minute."""
    # Only at start: when gunicorn replaces a worker later, Redis may be briefly down.
    if worker.age <= workers:
        refuse_a_wrong_deployment()

    from converter import jobs, storage
    from converter.web import admission

    def stop(number, frame):
        admission.closing.set()
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, stop)

    def sweep_periodically():
        log_failure_of(storage.purge_expired)
        while True:
            time.sleep(OFFER_SWEEP_EVERY_S)
            log_failure_of(storage.sweep_if_due)
            log_failure_of(jobs.recover_abandoned)

    threading.Thread(target=sweep_periodically, name="sweep", daemon=True).start()
