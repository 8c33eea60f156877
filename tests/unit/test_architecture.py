"""The house's boundaries, read from the imports: this table is where they are drawn."""

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2] / "converter"

# A module of ours -> the modules of ours it must not import: what is below knows nothing of what is
# above. A name ending in "." is a package.
FORBIDDEN = {
    "pipeline.": [
        "views", "forms", "services", "jobs", "tasks", "downloads", "storage", "progress",
        "sweep", "admission", "uploads", "transport", "answers", "errors", "timecode", "health",
        "checks",
    ],
    "timecode": ["pipeline.", "services", "views"],
    "downloads": ["storage", "pipeline.", "services", "views"],
    "storage": ["downloads", "pipeline.", "services", "views"],
    "services": ["views", "forms", "jobs", "tasks", "answers", "errors", "admission"],
    "sweep": ["pipeline.", "services", "views", "progress"],
    "transfers": ["pipeline.", "services", "views", "progress"],
    "jobs": ["pipeline.", "storage", "downloads", "views", "forms"],
    "tasks": ["pipeline.", "downloads", "views", "forms", "jobs"],
    "forms": ["views", "jobs", "tasks", "storage", "downloads"],
    "views": ["pipeline.convert", "pipeline.source", "pipeline.process", "storage"],
}  # fmt: skip
FORBIDDEN_LIBRARIES = {
    "pipeline.": ["django", "redis", "rq", "decouple"],
    "services": ["rq", "redis", "moviepy", "django.http"],
    "views": ["moviepy", "rq", "redis", "django.core.cache"],
    "forms": ["moviepy", "numpy"],
    "timecode": ["django"],
}
ONLY_IN = {
    "moviepy": ["pipeline.source"],
    "subprocess": ["pipeline.process"],
}


def module_names() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(HOUSE).with_suffix("").parts): path
        for path in HOUSE.rglob("*.py")
        if path.name != "__init__.py"
    }


def imports_of(path: Path) -> set[str]:
    """Dotted names of all that a module imports, "converter." left off its own."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("converter.") for name in found}


def matches(name: str, pattern: str) -> bool:
    bare = pattern.rstrip(".")
    return name == bare or name.startswith(f"{bare}.")


@pytest.mark.parametrize("module", sorted(module_names()))
def test_a_module_keeps_to_its_side(module):
    imported = imports_of(module_names()[module])
    crossed = [
        (module, name)
        for table in (FORBIDDEN, FORBIDDEN_LIBRARIES)
        for who, patterns in table.items()
        if matches(module, who)
        for name in imported
        if any(matches(name, pattern) for pattern in patterns)
    ]
    if matches(module, "pipeline"):  # its own errors.py is not the web's
        crossed = [c for c in crossed if not c[1].startswith("pipeline")]
    strays = [
        (module, library)
        for library, homes in ONLY_IN.items()
        if module not in homes and any(matches(name, library) for name in imported)
    ]
    assert crossed + strays == []
