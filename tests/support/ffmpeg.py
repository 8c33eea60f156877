"""Make test clips with the project's own ffmpeg."""

import subprocess

import imageio_ffmpeg

# The video filter source for clips whose content doesn't matter. Converting one of its frames costs
# a sixth of a testsrc2 frame, which has many moving colours.
FEW_COLOURS = "smptebars=s=160x90:r=24"


def run_ffmpeg(*arguments: str) -> None:
    """Run ffmpeg with `arguments`; overwrite its output file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
