"""Run the README's curl commands as printed, except for the port."""

import json
import re
import shutil
import subprocess

import pytest

from tests.support.ffmpeg import FEW_COLOURS
from tests.support.files import ROOT, files_in
from tests.support.gunicorn import gunicorn
from tests.support.waiting import eventually


@pytest.mark.slow
def test_the_curl_lines_of_the_readme_give_a_gif(tmp_path, clips):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed: apt-get install curl")
    section = (ROOT / "README.md").read_text().split("## With curl")[1].split("\n## ")[0]
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    three_s = clips("three.mp4", "-f", "lavfi", "-i", f"{FEW_COLOURS}:d=3")
    (tmp_path / "clip.mp4").write_bytes(three_s.read_bytes())
    server = tmp_path / "server"
    server.mkdir()

    with gunicorn(server) as address:
        script = lines.replace("http://127.0.0.1:8000", address)
        subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True, timeout=120)

        answer = json.loads((tmp_path / "answer.json").read_text())
        assert answer["gif"]["frames"] == 24  # one second is left after 00:00:02
        assert (tmp_path / "chromi_background.gif").stat().st_size == answer["gif"]["bytes"]
        assert eventually(lambda: files_in(server / "media") == [])
