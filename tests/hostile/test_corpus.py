"""Every hostile and odd file, through a real server: the right answer in time, and no trace."""

import contextlib
import fcntl
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import pytest
from PIL import Image

from tests.hostile import flips
from tests.hostile.corpus import CASES
from tests.hostile.judge import MAGENTA_SHARE, faults, magenta
from tests.hostile.kitchen import Case, Kitchen, canary_clip
from tests.hostile.live import FULL, SMALL, Listener, Live, Memory, serve

ANSWER_S = 12
MEMORY_MB = 512
FLIPS, LONG_FLIPS = 100, 2000
AT_ONCE = 2
# What no answer may hold: places on the machine, and a tool's own words.
TELLTALES = (
    b"/work",
    b"/tmp",
    b"media/",
    b"ffmpeg",
    b"Traceback",
    b"libav",
    b".py",
    b"0x",
    b"mov,",
)


def marked(cases: list[Case]) -> list:
    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.long] if case.long else [])
        for case in cases
    ]


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@dataclass(frozen=True)
class House:
    """A server of small pictures, with somebody else's video next to where uploads go."""

    live: Live
    kitchen: Kitchen


@contextlib.contextmanager
def house(folder: Path, *, app: str, port: int, pantry: dict) -> Iterator[House]:
    with serve(folder, app=app) as live:
        work = live.media / "work"
        work.mkdir(exist_ok=True)
        kitchen = Kitchen(canary=work / "canary.mp4", port=port, pantry=pantry)
        live.kept.add(kitchen.canary.name)
        with kitchen.canary.open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # as its owner's process would, against the sweep
            file.write(canary_clip(kitchen))
            file.flush()
            yield House(live, kitchen)


@pytest.fixture(scope="module")
def pantry() -> dict:
    return {}


@pytest.fixture(scope="module")
def street(tmp_path_factory, listener, pantry) -> Iterator[SimpleQueue]:
    """As many houses as are tried at once; who takes one brings it back."""
    free: SimpleQueue[House] = SimpleQueue()
    with contextlib.ExitStack() as stack:
        for number in range(AT_ONCE):
            folder = tmp_path_factory.mktemp(f"hostile{number}")
            how = house(folder, app=SMALL, port=listener.port, pantry=pantry)
            free.put(stack.enter_context(how))
        yield free


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(AT_ONCE)
    yield pool
    pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def tried(request, street, pool) -> dict[str, Future[None]]:
    """The outcome of each case that was chosen, by name: two are tried while one is judged."""
    items = (item for item in request.session.items if item.path == request.path)
    params = (item.callspec.params for item in items if hasattr(item, "callspec"))
    chosen = [given["case"] for given in params if "case" in given]
    is_long = request.config.getoption("--long")
    return {
        case.name: pool.submit(try_case, street, case)
        for case in chosen
        if is_long or not case.long
    }


@pytest.fixture(scope="module")
def full(tmp_path_factory, listener, pantry) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("full")
    with house(folder, app=FULL, port=listener.port, pantry=pantry) as made:
        yield made


def try_case(street: "SimpleQueue[House]", case: Case) -> None:
    """Upload the case to the next free house. Raises AssertionError."""
    house = street.get()
    try:
        check(house, case)
    except AssertionError as error:
        raise AssertionError(f"{case.name}: {error}") from error
    finally:
        street.put(house)


def check(house: House, case: Case, *, within_s: float = ANSWER_S) -> None:
    """Assert that the answer is right, in time and silent, and that nothing is left."""
    live = house.live
    fields = {} if case.start_time is None else {"start_time": case.start_time}
    answer = live.convert(case.make(house.kitchen), case.filename, **fields)
    if answer.status == 200:
        gif = live.folder / "out.gif"
        gif.write_bytes(live.download(answer))
        assert case.expect.picture is not None, f"converted, but {case.expect.refusals} is right"
        assert faults(gif, case.expect.picture) == []
        with Image.open(gif) as picture:
            assert magenta(picture) < MAGENTA_SHARE
    else:
        assert answer.refusal in case.expect.refusals, answer.body[:300]
        assert sorted(answer.json) == ["code", "error", "success"]
        assert [word for word in TELLTALES if word in answer.body] == []
    assert answer.seconds < within_s
    assert live.settles(), (live.files(), live.children())


@pytest.mark.parametrize("case", marked(CASES))
def test_a_hostile_or_odd_file_gets_its_answer_and_leaves_nothing(case, tried, listener):
    tried[case.name].result()
    assert listener.calls == []


def try_flips(numbers: range, street: "SimpleQueue[House]", pool: ThreadPoolExecutor) -> None:
    for _ in pool.map(lambda case: try_case(street, case), flips.cases(numbers)):
        pass


def test_a_hundred_files_with_flipped_bits_break_nothing(street, pool):
    try_flips(range(FLIPS), street, pool)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_two_thousand_files_with_flipped_bits_break_nothing(street, pool):
    try_flips(range(FLIPS, FLIPS + LONG_FLIPS), street, pool)


FULL_SIZE = ["hevc-pq", "turned-270", "minutes-apart", "stts-huge", "gif-8000x8000-20000"]


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL_SIZE)
def test_a_picture_of_real_size_stays_within_512_mb(name, full):
    case = next(case for case in CASES if case.name == name)
    with Memory(full.live) as memory:
        check(full, case, within_s=60)  # 144 frames of 1280x720 on a busy machine
    assert memory.peak_mb < MEMORY_MB


def test_the_corpus_is_as_wide_as_it_says():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
    assert len(names) >= 400
