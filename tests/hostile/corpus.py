"""The hostile corpus, by class. `python -m tests.hostile.corpus DIR [--long]` writes the files."""

import sys
from pathlib import Path

from tests.hostile import (
    bombs,
    junk,
    layouts,
    lies,
    names,
    novideo,
    oddities,
    playlists,
    polyglots,
    shapes,
    timings,
    truncations,
)
from tests.support.clips import Case, ClipMaker

CLASSES: dict[str, list[Case]] = {
    "junk": junk.CASES,
    "playlists": playlists.CASES,
    "truncations": truncations.CASES,
    "bombs": bombs.CASES,
    "lies": lies.CASES,
    "novideo": novideo.CASES,
    "oddities": oddities.CASES,
    "shapes": shapes.CASES,
    "timings": timings.CASES,
    "polyglots": polyglots.CASES,
    "names": names.CASES,
    "layouts": layouts.CASES,
}
CASES: list[Case] = [case for cases in CLASSES.values() for case in cases]


def write(folder: Path, *, long: bool = False) -> None:
    """Write every file of the corpus to a folder per class, for use with other tools."""
    clip_maker = ClipMaker(canary=folder / "canary.mp4", port=9)
    for kind, cases in CLASSES.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for case in cases:
            if long or not case.long:
                suffix = Path(case.filename[-9:]).suffix or ".bin"
                (folder / kind / f"{case.name}{suffix}").write_bytes(case.make(clip_maker))


if __name__ == "__main__":
    write(Path(sys.argv[1]), long="--long" in sys.argv)
