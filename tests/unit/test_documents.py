"""The documents agree with the code."""

import importlib
import re
from pathlib import Path

import pytest

from tests.support.documents import names_read
from tests.support.files import ROOT

DOCUMENTS = sorted(p.name for p in ROOT.glob("*.md"))


def test_the_readme_lists_exactly_the_settings():
    table = (ROOT / "README.md").read_text().split("## Settings")[1].split("\n## ")[0]
    documented = {
        n
        for row in re.findall(r"^\| (`[^|]+) \|", table, re.M)
        for n in re.findall(r"`(\w+)`", row)
    }
    assert documented == names_read("chrome_background_converter/settings.py", "gunicorn.conf.py")


def test_the_example_environment_names_real_settings():
    named = set(re.findall(r"^#?(\w+)=", (ROOT / ".env.example").read_text(), re.M))
    assert named <= names_read("chrome_background_converter/settings.py", "gunicorn.conf.py")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_linked_files_exist(name):
    text = (ROOT / name).read_text()
    links = [t for t in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in t]
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_and_scripts_named_in_commands_exist(name):
    text = (ROOT / name).read_text()
    named = re.findall(r"(?:\./)?((?:scripts|benchmarks|tests)/[\w./-]*\w)", text)
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_project_tree_in_the_readme_matches_the_files():
    tree = (ROOT / "README.md").read_text().split("## The project")[1].split("```")[1]
    modules = set(re.findall(r"\b(\w+\.py)\b", tree))
    real = {p.name for p in (ROOT / "converter").glob("*.py")} - {"__init__.py"}
    unnamed = {"apps.py", "models.py", "admin.py", "checks.py", "health.py", "timecode.py"}
    assert real - modules <= unnamed
    everywhere = {p.name for p in ROOT.rglob("*.py") if ".venv" not in Path(p).parts}
    assert modules <= everywhere


@pytest.mark.parametrize("name", DOCUMENTS)
def test_tests_named_in_a_document_exist(name):
    defined = {
        test
        for path in (ROOT / "tests").rglob("test_*.py")
        for test in [path.stem, *re.findall(r"^def (test_\w+)", path.read_text(), re.M)]
    }
    named = re.findall(r"\b(test_\w+)(\.\.\.)?", (ROOT / name).read_text())
    assert [
        test
        for test, shortened in named
        if not any(full == test or (shortened and full.startswith(test)) for full in defined)
    ] == []


SETTINGS_ROW = re.compile(
    r"^\| `((?:[a-z]\w+\.)*[a-z]\w+)\.([A-Z][\w.]*|[a-z]\w+)` \| ([^|]+) \|", re.M
)


def test_every_constant_in_conversion_settings_has_the_value_of_the_code():
    rows = SETTINGS_ROW.findall((ROOT / "CONVERSION_SETTINGS.md").read_text())
    assert len(rows) > 10
    wrong = []
    for module, path, documented in rows:
        value = importlib.import_module(f"converter.{module}")
        for name in path.split("."):
            value = getattr(value, name)
        if str(value) != documented.strip():
            wrong.append((module, path, documented, value))
    assert wrong == []
