"""Each command that a document names starts, with --help or on a clip of a few frames."""

import os
import re
import subprocess
import sys

import pytest

from tests.support.ffmpeg import FEW_COLOURS
from tests.support.files import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]
COMMAND = re.compile(
    r"-m (?P<module>benchmarks(?:\.\w+)+)"
    r"|(?P<program>benchmarks/\w+(?:/\w+\.py)?)\b(?!/|\.md)"
    r"|manage\.py (?P<management>[a-z_]+)"
    r"|(?P<script>scripts/[\w-]+)"
)
# Those that say nothing without arguments are started with these; {clip} is a clip of a few frames.
ARGUMENTS = {
    "benchmarks/decode": ["{clip}@0"],
    "benchmarks/writer": ["{clip}", "2"],
}
# Where no server runs, this one says so.
FAILING = {"scripts/healthy"}
# Not one program: a folder, of which the documents also name the program.
FOLDERS = {"benchmarks/memory", "benchmarks/picture", "benchmarks/queue", "benchmarks/theme"}


def documented(kind: str) -> list[str]:
    """The commands of one kind that the documents name."""
    texts = (path.read_text() for path in DOCUMENTS)
    found = {match[kind] for text in texts for match in COMMAND.finditer(text)}
    return sorted(found - FOLDERS - {None})


def test_the_documents_name_commands_of_every_kind():
    for kind in ("module", "program", "management", "script"):
        assert documented(kind) != []


def start(*command: str) -> None:
    env = os.environ | {"SECRET_KEY": "tests", "GIFSCORE": "/nowhere/gifscore.py"}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (command[0] in FAILING), done.stderr
    assert done.stdout or done.returncode


@pytest.mark.parametrize("name", documented("module"))
def test_a_documented_module_starts(name):
    start("-m", name, "--help")


@pytest.mark.parametrize("name", documented("management"))
def test_a_documented_management_command_starts(name):
    start("manage.py", name, "--help")


@pytest.mark.parametrize("name", [*documented("program"), *documented("script")])
def test_a_documented_program_starts(name, clips):
    if not (ROOT / name).read_text().startswith("#!/usr/bin/env bash"):
        clip = clips("few.mp4", "-f", "lavfi", "-i", f"{FEW_COLOURS}:d=0.2")
        arguments = ARGUMENTS.get(name, ["--help"])
        start(name, *(argument.format(clip=clip) for argument in arguments))
    else:  # it would install, serve or test: only read it
        assert os.access(ROOT / name, os.X_OK)
        subprocess.run(["bash", "-n", ROOT / name], check=True)
