"""POST /convert/ with loop=blend, converted inline: all results show the same loop."""

from tests.support.loops import SCREEN, check_same_blended_loop, lighter_clip
from tests.support.uploads import clip_file


def test_gif_picture_and_theme_show_the_same_blended_loop(client, tmp_path):
    content = lighter_clip(tmp_path / "lighter.mp4").read_bytes()
    fields = {"loop": "blend", "picture": "1", "theme": "1", "screen": SCREEN}
    answer = client.post("/convert/", {"video": clip_file(content=content), **fields}).json()

    def fetched(name: str) -> bytes:
        response = client.get(answer[name])
        body = b"".join(response.streaming_content)
        response.close()
        return body

    check_same_blended_loop(
        tmp_path,
        gif=fetched("converted_url"),
        picture=fetched("picture_url"),
        theme=fetched("theme_url"),
    )
