"""When each frame of the output is shown: pure arithmetic on frame numbers and cs."""


def delay_cs(frame: int, *, fps: int) -> int:
    """Delay of frame number `frame` (from 0) in cs: cumulative rounding, so that no error adds up.

    GIF delays are whole centiseconds (GIF89a, 23.c.vi); 24 fps is 4 1/6 cs, and browsers slow
    anything below 2 cs to 10 cs.

    >>> sum(delay_cs(k, fps=24) for k in range(144))
    600
    """
    return round((frame + 1) * 100 / fps) - round(frame * 100 / fps)
