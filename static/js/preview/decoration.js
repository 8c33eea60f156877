// The background video of the idle page. It is loaded only on large screens and without Save-Data.

/** `wanted`: whether it plays automatically. Calls `onPlaying(playing)` with every change. */
export function createDecoration(video, { wanted, onPlaying }) {
  for (const event of ["play", "pause"]) {
    // The "pause" event of leave() comes late, when the button controls another video.
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
    leave() {
      video.hidden = true;
      video.pause();
    },
  };
}
