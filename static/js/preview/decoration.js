// The background video of the idle page. It is loaded only on large screens and without Save-Data.

/** Return {toggle, start, stop}. `start` plays it if `wanted`. Calls `onPlaying(playing)` on changes. */
export function createDecoration(video, { wanted, onPlaying }) {
  for (const event of ["play", "pause"]) {
    // The "pause" event of stop() comes late, when the button controls another video.
    video.addEventListener(event, () => video.hidden || onPlaying(!video.paused));
  }

  function play() {
    video.src ||= video.dataset.src;
    video.hidden = false;
    video.play().catch(() => {});
  }

  return {
    toggle: () => (video.paused ? play() : video.pause()),
    start: () => wanted && play(),
    stop() {
      video.hidden = true;
      video.pause();
    },
  };
}
