"""Compute the delay of each frame."""


def delay_cs(frame: int, *, fps: int) -> int:
    """Return the delay of frame `frame` (from 0) in cs; cumulative rounding prevents drift.

    GIF delays are whole centiseconds (GIF89a, 23.c.vi); 24 fps is 4 1/6 cs, and browsers slow
    anything below 2 cs to 10 cs.

    >>> sum(delay_cs(k, fps=24) for k in range(144))
    600
    """
    return round((frame + 1) * 100 / fps) - round(frame * 100 / fps)
