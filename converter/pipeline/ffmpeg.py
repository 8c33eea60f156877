"""Run ffmpeg: confined, watched, and killed with its process group. No other module starts it."""

import contextlib
import functools
import logging
import math
import os
import re
import resource
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from converter.pipeline.control import Control
from converter.pipeline.errors import OutputError, TooManyPixelsError, UnreadableVideoError

log = logging.getLogger(__name__)

WATCH_S = 0.02
# s to wait after the cancel flag could not be read.
FLAG_RETRY_S = 1.0
STDERR_BYTES = 64 * 1024
# The whole process tree has 512 MB, of which gunicorn and MoviePy use 175 MB. A decoder that needs
# more has too many and too large reference pictures (16 of 16 MP: 900 MB) and is killed.
RESIDENT_BYTES = 325_000_000
# Limit of the address space, which can be exceeded between two checks; most of it is never used.
ADDRESS_SPACE_BYTES = 1536 * 1024 * 1024
# The kernel counts all tasks of the user, also in other containers, so the limit must be high.
TASKS = 4096
# Number of ffmpeg threads that can run at once. The CPU limit is their CPU time until the deadline
# plus a margin: only a process that survived its parent reaches it.
BUSY_THREADS = 4
CPU_MARGIN_S = 5
DEFAULT_FILE_BYTES = 1024 * 1024
OPEN_FILES = 64
_DESCRIPTOR = re.compile(r"/proc/self/fd/(\d+)")
# Signals that other processes send, not crashes caused by a file.
FROM_OUTSIDE = {signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM}


def ffmpeg_path() -> str:
    """Return the path of ffmpeg: the wheel's binary, or IMAGEIO_FFMPEG_EXE. Raises RuntimeError."""
    path: str = imageio_ffmpeg.get_ffmpeg_exe()
    return path


@functools.cache
def _with_its_parent() -> list[str]:
    """Return a launcher that lets the kernel kill ffmpeg when this process dies (also by SIGKILL).

    It is part of util-linux. Without it, an ffmpeg that writes to a pipe ends with the next
    picture, and any other at its CPU limit.
    """
    launcher = ["setpriv", "--no-new-privs", "--pdeathsig", "KILL"]
    try:
        subprocess.run([*launcher, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return launcher


def _confine(pid: int, *, cpu_s: int, file_bytes: int, address_bytes: int) -> None:
    """Limit CPU, memory, file size and descriptors of process `pid`, if the system supports it."""
    if not hasattr(resource, "prlimit"):  # macOS
        return
    limits = {
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_AS: address_bytes,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_NPROC: TASKS,
        resource.RLIMIT_CORE: 0,
    }
    with contextlib.suppress(ProcessLookupError):
        for which, wanted in limits.items():
            _, hard = resource.prlimit(pid, which)
            limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.prlimit(pid, which, (limit, limit))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its children; it is the leader of its own session."""
    if process.poll() is None:  # after it was reaped, its id may belong to another process
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def resident_bytes(pid: int) -> int:
    """Return the resident memory of process `pid` in bytes; 0 without /proc."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


class Ffmpeg:
    """A running ffmpeg with its `stdin` and `stdout`; `errors()` returns its stderr."""

    def __init__(self, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> None:
        self.process = process
        self._stderr = stderr
        # Set when it was killed: for its memory, because its control was over, or for its output.
        self.is_too_large = self.is_stopped = self.has_said = False

    @property
    def stdout(self) -> IO[bytes]:
        assert self.process.stdout is not None  # noqa: S101 - we asked for a pipe
        return self.process.stdout

    def wait(self) -> int:
        """Wait until it has ended; return the exit status."""
        return self.process.wait()

    def check(self, *, is_empty: bool = False) -> None:
        """Wait for its end; raise if it was killed or crashed, because its output is incomplete.

        TooManyPixelsError: killed for its memory. OutputError: killed by another process.
        UnreadableVideoError: crashed on the file, but not if the output `is_empty`: ffmpeg 9.0.2
        also crashes if the second of two graphs gets no frame (a start after the end). Nothing is
        raised if its control was over: `control.check` raises the reason.
        """
        status = self.wait()
        if self.is_too_large:
            raise TooManyPixelsError(detail="outgrew its memory")
        if self.is_stopped or self.has_said or status >= 0:
            return
        if -status in FROM_OUTSIDE:
            raise OutputError(detail=f"ffmpeg was killed by signal {-status}")
        if not is_empty:
            raise UnreadableVideoError(detail=f"ffmpeg died of signal {-status}")

    def errors(self, *, most_bytes: int = STDERR_BYTES) -> str:
        """Return its stderr, `most_bytes` at most; for the log and for telling faults apart."""
        return self._written(most_bytes).decode("utf-8", "replace")

    def says(self, words: bytes) -> bool:
        """Return whether `words` are in its stderr so far."""
        self.has_said = self.has_said or words in self._written(DEFAULT_FILE_BYTES)
        return self.has_said

    def _written(self, most: int) -> bytes:
        """Return the first `most` bytes of stderr without moving the offset that the child has."""
        return os.pread(self._stderr.fileno(), most, 0)


def _watch_limits(
    child: Ffmpeg, control: Control, done: threading.Event, most_bytes: int, until: bytes | None
) -> None:
    """Kill `child` at the deadline, above `most_bytes` of memory, or when it says `until`.

    Calls nothing that may fail or wait: the cancel flag has a thread of its own.
    """
    while not done.wait(WATCH_S):
        child.is_too_large = resident_bytes(child.process.pid) > most_bytes
        is_late = not child.is_too_large and control.remaining_s == 0
        child.is_stopped = child.is_stopped or is_late
        if child.is_too_large or is_late or (until and child.says(until)):
            _kill_group(child.process)
            return


def _watch_cancel(child: Ffmpeg, control: Control, done: threading.Event) -> None:
    """Kill `child` when `control` is canceled. A flag that can't be read is read again."""
    pause_s = WATCH_S
    while not done.wait(pause_s):
        try:
            is_canceled, pause_s = control.is_canceled(), WATCH_S
        except Exception as error:
            log.warning("the cancel flag can't be read: %r", error)
            is_canceled, pause_s = False, FLAG_RETRY_S
        if is_canceled:
            child.is_stopped = True
            _kill_group(child.process)
            return


def _notebook() -> IO[bytes]:
    """Create an in-memory file for stderr, so that a full disk isn't reported as a bad video."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()  # macOS


def _descriptors(arguments: Sequence[str]) -> list[int]:
    """Return the descriptors that the arguments name as files: the child gets these.

    /proc of another process can be closed to it, as after gunicorn's setuid.

    >>> _descriptors(["-i", "file:/proc/self/fd/7", "-vf", "movie=/proc/self/fd/9:f=rawvideo"])
    [7, 9]
    """
    return sorted({int(n) for a in arguments for n in _DESCRIPTOR.findall(a)})


@contextlib.contextmanager
def ffmpeg(
    arguments: Sequence[str],
    *,
    control: Control,
    file_bytes: int = DEFAULT_FILE_BYTES,
    address_bytes: int = ADDRESS_SPACE_BYTES,
    most_bytes: int = RESIDENT_BYTES,
    until: bytes | None = None,
) -> Iterator[Ffmpeg]:
    """Run ffmpeg with `arguments`, without a shell, during the block. Raises OutputError.

    ffmpeg and its process group are killed when the block ends, when `control` is over, above
    `most_bytes` of memory, or when its stderr contains `until`. It may write `file_bytes` to a file
    and reserve `address_bytes`. SIGXFSZ is ignored in Python and in the child (restore_signals is
    off), so that a flood of errors is truncated instead of killing it.
    """
    try:
        tool = ffmpeg_path()
    except RuntimeError as error:
        raise OutputError(detail="no ffmpeg for this platform") from error
    if not os.access(tool, os.X_OK):
        raise OutputError(detail=f"no ffmpeg at {tool}")
    with _notebook() as stderr:
        process = subprocess.Popen(
            [*_with_its_parent(), tool, "-nostdin", "-hide_banner", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            start_new_session=True,
            restore_signals=False,
            pass_fds=_descriptors(arguments),
        )
        child, done = Ffmpeg(process, stderr), threading.Event()
        watchdogs = [
            threading.Thread(
                target=_watch_limits, args=(child, control, done, most_bytes, until), daemon=True
            ),
            threading.Thread(target=_watch_cancel, args=(child, control, done), daemon=True),
        ]
        try:
            cpu_s = math.ceil(BUSY_THREADS * control.remaining_s) + CPU_MARGIN_S
            _confine(process.pid, cpu_s=cpu_s, file_bytes=file_bytes, address_bytes=address_bytes)
            for watchdog in watchdogs:
                watchdog.start()
            yield child
        finally:
            done.set()
            _kill_group(process)
            if process.stdout is not None:
                process.stdout.close()
            for watchdog in watchdogs:
                if watchdog.ident is not None:
                    watchdog.join(FLAG_RETRY_S)  # reading the cancel flag may hang
