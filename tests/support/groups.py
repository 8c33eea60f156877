"""Groups of tests that pytest-xdist runs in one process, and the order of the groups."""

import pytest

# Tests that wait more than they compute.
WAITING = "waiting"
# The longest groups start first. The first two mostly wait, so others use the cores meanwhile.
FIRST = [WAITING, "killing", "browser-conversion", "browser-page", "browser-newtab"]


def keep_groups_together(items: list[pytest.Item]) -> None:
    """Put the "@group" of pytest-xdist where pytest 9.2 looks for it.

    pytest-xdist 3.8.0 (the newest) writes the group into `_nodeid`, which pytest 9.2 ignores, so
    that every process would start the servers of every module. Remove this function when
    https://github.com/pytest-dev/pytest-xdist/issues/1386 is closed.
    """
    for item in items:
        if (grouped := getattr(item, "_nodeid", item.nodeid)) != item.nodeid:
            item._id = type(item.id).parse(grouped)


def turn(item: pytest.Item) -> int:
    """Return a sort key: the groups of FIRST, then other groups, then tests without a group."""
    groups = [mark.args[0] for mark in item.iter_markers("xdist_group")]
    if not groups:
        return len(FIRST) + 1
    return FIRST.index(groups[0]) if groups[0] in FIRST else len(FIRST)
