"""Draw static/videos/bg.mp4 and static/img/poster.webp: a sea at dusk that loops after 6 s.

From the project's root: .venv/bin/python docs/make_bg_video.py
"""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np

WIDTH, HEIGHT, FPS, SECONDS = 960, 540, 24, 6
SKY_TOP, SKY_LOW, SUN = (38, 30, 66), (246, 150, 104), (255, 226, 184)
# (height of the crest, amplitude, wavelength, cycles per loop, colour), as shares of the picture
WAVES = [
    (0.600, 0.010, 1.10, 1, (214, 112, 96)),
    (0.660, 0.016, 0.74, -1, (170, 82, 98)),
    (0.735, 0.021, 0.92, 1, (122, 62, 98)),
    (0.820, 0.026, 0.66, -1, (80, 46, 90)),
    (0.915, 0.030, 1.05, 1, (46, 32, 68)),
]
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]


def blend(ground: np.ndarray, colour: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Blend `colour` over `ground` with the opacity `share` (0 to 1) at every pixel."""
    return ground + (colour - ground) * share[..., None]


def picture(turn: float) -> np.ndarray:
    """Draw one frame, (h, w, 3) uint8, at phase `turn` of the loop in radians."""
    down = np.clip(Y / (HEIGHT * 0.62), 0, 1) ** 1.6
    frame = blend(np.array(SKY_TOP, float), np.array(SKY_LOW, float), down)
    away = np.hypot(X - WIDTH * 0.68, Y - HEIGHT * (0.475 + 0.006 * np.sin(turn)))
    frame = blend(frame, np.array(SUN, float), 0.55 * np.exp(-((away / (HEIGHT * 0.34)) ** 2)))
    frame = blend(frame, np.array(SUN, float), np.clip(HEIGHT * 0.105 - away + 0.5, 0, 1))
    for number, (height, amplitude, length, turns, colour) in enumerate(WAVES):
        angle = 2 * np.pi * X / (WIDTH * length)
        long = np.sin(angle + turns * turn + number * 1.7)
        short = 0.35 * np.sin(angle / 0.43 - turns * 2 * turn + number)
        below = Y - HEIGHT * (height + amplitude * (long + short))
        shade = np.array(colour) * (1 - 0.9 * np.clip(below / HEIGHT, 0, 0.4))[..., None]
        frame = blend(frame, shade, np.clip(below + 0.5, 0, 1))
    return np.clip(frame + 0.5, 0, 255).astype(np.uint8)


def main() -> None:
    """Draw whole cycles in six seconds, so that the last frame leads into the first."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    video, poster = Path("static/videos/bg.mp4"), Path("static/img/poster.webp")
    raw = f"-f rawvideo -pix_fmt rgb24 -s {WIDTH}x{HEIGHT} -r {FPS} -i -".split()
    encode = [
        "-vf",
        "scale=out_color_matrix=bt709",
        "-c:v",
        "libx264",
        "-preset",
        "slower",
        "-crf",
        "24",
    ]
    tags = ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"]
    form = ["-pix_fmt", "yuv420p", "-movflags", "+faststart", "-an"]
    frames = FPS * SECONDS
    data = b"".join(picture(2 * np.pi * k / frames).tobytes() for k in range(frames))
    quiet = [ffmpeg, "-y", "-v", "error"]
    subprocess.run([*quiet, *raw, *encode, *tags, *form, str(video)], input=data, check=True)
    still = ["-frames:v", "1", "-vf", "scale=640:-1", "-c:v", "libwebp", "-quality", "60"]
    subprocess.run([*quiet, "-i", str(video), *still, str(poster)], check=True)


if __name__ == "__main__":
    main()
