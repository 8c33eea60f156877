"""The README's curl lines, run as printed (the port alone is another)."""

import json
import re
import shutil
import subprocess

import pytest

from tests.conftest import files_in
from tests.http.conftest import ROOT, eventually, gunicorn


@pytest.mark.slow
def test_the_curl_lines_of_the_readme_give_a_gif(tmp_path, tiny_clip):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed: apt-get install curl")
    section = (ROOT / "README.md").read_text().split("## With curl")[1].split("\n## ")[0]
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    (tmp_path / "clip.mp4").write_bytes(tiny_clip.read_bytes())
    server = tmp_path / "server"
    server.mkdir()

    with gunicorn(server) as address:
        script = lines.replace("http://127.0.0.1:8000", address)
        subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True, timeout=60)

        answer = json.loads((tmp_path / "answer.json").read_text())
        assert answer["gif"]["frames"] == 144
        assert (tmp_path / "chromi_background.gif").stat().st_size == answer["gif"]["bytes"]
        assert eventually(lambda: files_in(server / "media") == [])
