"""Chromium decodes the encoder's GIFs as the decoder model does."""

import base64

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.support.gif_frames import HEIGHT, WIDTH, random_drawings, written

pytestmark = pytest.mark.browser

# ImageDecoder needs a secure page; the test itself answers the request for it.
ADDRESS = "https://chromi.test/"
DECODE = """async (gif) => {
    const data = Uint8Array.from(atob(gif), (char) => char.charCodeAt(0));
    const decoder = new ImageDecoder({data, type: "image/gif"});
    await Promise.all([decoder.tracks.ready, decoder.completed]);
    const frames = [];
    for (let frameIndex = 0; frameIndex < decoder.tracks.selectedTrack.frameCount; frameIndex++) {
        const {image} = await decoder.decode({frameIndex});
        const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        frames.push(Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data));
    }
    return {frames, loops: decoder.tracks.selectedTrack.repetitionCount === Infinity};
}"""


def test_chromium_shows_what_our_decoder_model_shows_and_loops(browser: Browser):
    drawings, screens = random_drawings(11, 5)
    page = browser.new_page()
    page.route(ADDRESS, lambda route: route.fulfill(body="", content_type="text/html"))
    page.goto(ADDRESS)
    seen = page.evaluate(DECODE, base64.b64encode(written(drawings)).decode())
    page.close()
    frames = np.array(seen["frames"], np.uint8).reshape(-1, HEIGHT, WIDTH, 4)[..., :3]
    assert np.array_equal(frames, screens)
    assert seen["loops"]
