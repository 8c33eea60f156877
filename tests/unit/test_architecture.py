"""The boundaries between modules, read from the imports: an allow list over all of converter/.

A module without a row fails. The libraries in LIBRARIES are listed like modules of ours: a module
imports them only where its row says so. Tests share code by tests/support/ only.
"""

import ast
import re
from pathlib import Path

import pytest

from tests.support.files import ROOT

CONVERTER = ROOT / "converter"
LIBRARIES = {
    "django",
    "decouple",
    "gunicorn",
    "moviepy",
    "numpy",
    "PIL",
    "prometheus_client",
    "redis",
    "rq",
    "subprocess",
}

# A module (or a package, ending in ".") -> what it may import. A package in the right column
# allows all of its modules.
COMMON = "pipeline.profile pipeline.control pipeline.errors pipeline.colours pipeline.screen"
ALLOWED = {
    "admin": "django",
    "models": "django",
    "apps": "django checks",
    "urls": "django views",
    "views": (
        "django forms conversions downloads answers errors exposition health products progress"
        " web.admission web.client_socket web.uploads pipeline.profile pipeline.screen"
    ),
    "forms": (
        "django errors options timecode pipeline.profile pipeline.screen pipeline.source.layout"
    ),
    "answers": "django errors",
    "errors": "django broker pipeline.errors",
    "options": "pipeline.profile",
    "products": "material options logs pipeline.",
    "material": "options pipeline.",
    "conversions": (
        "django inline jobs metrics options products material downloads progress storage logs"
        " pipeline."
    ),
    "inline": "django errors",
    "downloads": "django metrics storage",
    "metrics": "django broker pipeline.errors",
    "exposition": "django prometheus_client health jobs metrics storage",
    "storage": "django broker",
    "progress": "django broker errors pipeline.errors",
    "broker": "django redis",
    "jobs": "django rq broker downloads errors metrics options progress storage pipeline.errors",
    "tasks": "conversions options",
    "worker": "django rq broker jobs storage conversions tasks pipeline.",
    "health": "django broker inline jobs storage web.admission pipeline.ffmpeg",
    "checks": "django health storage pipeline.errors pipeline.capabilities",
    "logs": "django",
    "timecode": "",
    "management.commands.convert": (
        "django conversions options products storage timecode pipeline."
    ),
    "management.commands.rqworker": "django storage worker",
    "management.commands.purge_media": "django storage",
    "web.middleware": "django answers errors web.admission web.uploads",
    "web.admission": "django errors broker inline progress storage web.uploads",
    "web.uploads": "django errors storage web.client_socket pipeline.source.sniff",
    "web.client_socket": "django",
    "web.gunicorn_worker": "gunicorn errors",
    "pipeline.errors": "",
    "pipeline.profile": "",
    "pipeline.control": "pipeline.errors",
    "pipeline.colours": "numpy PIL",
    "pipeline.screen": "pipeline.profile",
    "pipeline.capabilities": "pipeline.control pipeline.errors pipeline.ffmpeg",
    "pipeline.ffmpeg": "subprocess pipeline.control pipeline.errors",
    "pipeline.convert": f"{COMMON} pipeline.source. pipeline.gif. pipeline.loop.",
    "pipeline.loop.": f"numpy PIL pipeline.loop. {COMMON}",
    "pipeline.source.": f"numpy moviepy pipeline.ffmpeg pipeline.source. {COMMON}",
    "pipeline.gif.": f"numpy PIL pipeline.gif. {COMMON}",
    "pipeline.picture.": (
        "numpy pipeline.ffmpeg pipeline.capabilities pipeline.source. pipeline.loop."
        " pipeline.picture."
        f" {COMMON}"
    ),
    "pipeline.theme.": (
        f"numpy PIL pipeline.ffmpeg pipeline.source. pipeline.picture. pipeline.theme. {COMMON}"
    ),
}  # fmt: skip


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(CONVERTER).with_suffix("").parts): path
        for path in CONVERTER.rglob("*.py")
        if path.name != "__init__.py"
    }


MODULES = modules()


def imports_of(path: Path) -> set[str]:
    """Return what a module imports: modules of converter/ by their short name, and LIBRARIES."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    ours = {name.removeprefix("converter.") for name in found if name.startswith("converter.")}
    return {_module_of(name) for name in ours} | {
        name.split(".")[0] for name in found if name.split(".")[0] in LIBRARIES
    }


def _module_of(name: str) -> str:
    """Return the module that defines a dotted name: "storage.store" -> "storage"."""
    while name not in MODULES and "." in name:
        name = name.rpartition(".")[0]
    return name


def row_of(module: str) -> list[str]:
    rows = [row for row in ALLOWED if module == row or (row[-1] == "." and module.startswith(row))]
    assert rows, f"{module} has no row in ALLOWED"
    return ALLOWED[max(rows, key=len)].split()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_its_row_allows(module):
    allowed = row_of(module)
    crossed = [
        name
        for name in imports_of(MODULES[module])
        if not any(name == row or (row[-1] == "." and name.startswith(row)) for row in allowed)
    ]
    assert crossed == []


def test_every_row_names_something_that_exists():
    names = {word for row in ALLOWED.values() for word in row.split()} | set(ALLOWED)
    known = set(MODULES) | LIBRARIES
    assert [
        name
        for name in sorted(names)
        if name not in known and not any(module.startswith(name) for module in MODULES)
    ] == []


TESTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("name", TESTS)
def test_no_module_imports_a_test_module_or_a_conftest(name):
    imported = [
        module
        for node in ast.walk(ast.parse((ROOT / name).read_text()))
        if isinstance(node, ast.ImportFrom) and (module := node.module)
    ]
    shared = re.compile(r"tests\..*(?:test_\w+|conftest)$|tests\.conftest$")
    assert [module for module in imported if shared.match(module)] == []


@pytest.mark.parametrize("name", [name for name in TESTS if name.endswith("conftest.py")])
def test_a_conftest_defines_fixtures_and_hooks_only(name):
    others = [
        node.name
        for node in ast.parse((ROOT / name).read_text()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("pytest_")
        and not any("fixture" in ast.unparse(mark) for mark in node.decorator_list)
    ]
    assert others == []


def private_names(source: str) -> list[str]:
    """List the names with a leading underscore that a test uses of modules in converter/."""
    tree = ast.parse(source)
    imports = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("converter")
    ]
    modules = {alias.asname or alias.name for node in imports for alias in node.names}
    used = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node).split(".")[0] in modules
    ]
    replaced = [
        ".".join(ast.unparse(part).strip("\"'") for part in node.args[:2])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".setattr")
    ]
    named = (
        sorted(modules)
        + used
        + [name for name in replaced if name.split(".")[0] in modules | {"converter"}]
    )
    return [name for name in named if re.search(r"(^|\.)_(?!_)", name)]


@pytest.mark.parametrize(
    "use",
    [
        "from converter.jobs import _fail",
        "from converter import jobs\njobs._fail(1)",
        "from converter import jobs\nmonkeypatch.setattr(jobs, '_fail', None)",
        "monkeypatch.setattr('converter.jobs._fail', None)",
    ],
)
def test_a_private_name_is_found(use):
    assert len(private_names(use)) == 1


@pytest.mark.parametrize("name", TESTS)
def test_no_test_uses_private_names_of_the_converter(name):
    assert private_names((ROOT / name).read_text()) == []
