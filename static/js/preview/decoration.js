// The moving picture of the idle page. It is decoration: fetched only where it costs nobody much.

/** `wanted`: whether it plays by itself; `onPlaying(playing)` comes with every change. */
export function createDecoration(video, { wanted, onPlaying }) {
  for (const event of ["play", "pause"]) {
    // The pause of leave() is heard late, when the button is somebody else's.
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
