"""Check the page's source: every CSS rule is used, every part exists, no other host is named."""

import re

from tests.support.files import ROOT

MARKUP = "".join(path.read_text() for path in ROOT.glob("templates/**/*.html"))
SCRIPTS = {
    path.relative_to(ROOT / "static/js").as_posix(): path.read_text()
    for path in ROOT.glob("static/js/**/*.js")
}


# Loaded with the first file, not with the page.
LATER = {
    "conversion/api.js",
    "conversion/conversion.js",
    "result/collection.js",
    "result/result.js",
    "result/zip.js",
    "intake/containers.js",
    "looptexts.js",
    "trim/filmstrip.js",
    "trim/finder.js",
    "trim/frames.js",
    "trim/looprow.js",
    "trim/loops.js",
    *(name for name in SCRIPTS if name.startswith("ranges/")),
}


def test_every_module_of_the_first_load_is_preloaded() -> None:
    preloaded = set(re.findall(r"modulepreload\" href=\"{% static 'js/([\w./]+)' %}", MARKUP))
    assert preloaded == set(SCRIPTS) - LATER


def test_every_rule_of_the_stylesheet_is_used() -> None:
    styles = (ROOT / "static/css/styles.css").read_text()
    used = set(re.findall(r"[\w-]+", MARKUP + "".join(SCRIPTS.values())))
    selectors = re.sub(r"\{[^{}]*\}|/\*.*?\*/", "{}", styles, flags=re.DOTALL)
    assert {
        name for name in re.findall(r"[.#]([a-z][\w-]+)", selectors) if name not in used
    } == set()
    tokens = set(re.findall(r"^  (--[\w-]+):", styles, flags=re.MULTILINE))
    assert {token for token in tokens if f"var({token})" not in styles} == set()


def test_dark_changes_colours_only_and_narrow_shows_nothing_new() -> None:
    """Browser tests rely on this: they check contrast on wide pages, layout in light mode."""
    styles = (ROOT / "static/css/styles.css").read_text()
    blocks = re.findall(r"^@media ([^{]+) \{\n(.*?)^\}", styles, flags=re.MULTILINE | re.DOTALL)
    (dark,) = [block for asked, block in blocks if "dark" in asked]
    assert re.sub(r"^    --[\w-]+: [^;]+;\n", "", dark, flags=re.MULTILINE) == "  :root {\n  }\n"
    narrow, wide = (
        "".join(block for asked, block in blocks if asked.startswith(f"({side}-width"))
        for side in ("max", "min")
    )
    assert set(re.findall(r"display: ([\w-]+)", narrow)) == {"none"}
    assert "display: none" not in wide


def test_markup_and_scripts_name_the_same_parts() -> None:
    marked = set(re.findall(r'data-part="(\w+)"', MARKUP))
    scripts = "".join(SCRIPTS.values())
    named = set(re.findall(r'part\("(\w+)"\)|data-part="(\w+)"', scripts))
    assert {one or other for one, other in named} == marked


def test_a_script_module_is_short_and_names_no_other_host() -> None:
    for name, script in SCRIPTS.items():
        assert len(script.splitlines()) <= 300, name
        assert re.findall(r"https?://(?!www\.w3\.org|bottosson\.github\.io)", script) == [], name
    assert re.findall(r"<style|<script(?! type=\"module\" src=)| style=| on\w+=", MARKUP) == []
