// Plays stretches of one clip round and round without a stall at the cut: two video elements
// take turns, and the resting one already waits at the next stretch's first frame.

/** Owns the two elements. `onTime(seconds)` comes with every drawn frame, `onPlaying` on change. */
export function createPlayer(pair, { onTime, onPlaying }) {
  let [active, resting] = pair;
  let stretches = []; // [[from, to], ...] in seconds
  let index = 0;
  let wanted = false; // what the user asked for
  let held = false; // paused for as long as somebody drags the window
  let frame = 0;
  const goals = new Map(); // seeks that wait for the one under way

  for (const video of pair) {
    video.addEventListener("seeked", () => {
      if (goals.has(video)) seek(video, goals.get(video));
    });
  }

  const next = () => (index + 1) % stretches.length;

  function seek(video, seconds) {
    goals.delete(video);
    if (video.seeking) goals.set(video, seconds);
    else if (video.ended || Math.abs(video.currentTime - seconds) > 0.001) video.currentTime = seconds;
  }

  function show() {
    for (const video of pair) video.toggleAttribute("data-active", video === active);
  }

  function tick() {
    frame = wanted ? requestAnimationFrame(tick) : 0;
    if (!stretches.length || held) return;
    const over = active.ended || active.currentTime >= stretches[index][1];
    if (over && !active.seeking && resting.readyState >= 2 && !resting.seeking) turn();
    onTime(active.currentTime, index);
  }

  function turn() {
    index = next();
    [active, resting] = [resting, active];
    show();
    start();
    resting.pause();
    seek(resting, stretches[next()][0]);
  }

  function start() {
    active.play().catch(() => {}); // refused or interrupted: the next press tries again
  }

  function stop() {
    pair.forEach((video) => video.pause());
  }

  function setPlaying(playing) {
    wanted = playing && stretches.length > 0;
    if (wanted && !held) start();
    else stop();
    if (wanted && !frame) frame = requestAnimationFrame(tick);
    onPlaying(wanted);
  }

  return {
    load(url) {
      stretches = [];
      goals.clear();
      for (const video of pair) {
        if (url) video.src = url;
        else video.removeAttribute("src");
        video.load();
      }
      show();
    },
    /** Goes to the first stretch's start, and plays on if it was playing. */
    setStretches(list) {
      stretches = list;
      index = 0;
      stop();
      seek(active, list[0][0]);
      seek(resting, list[next()][0]);
      if (wanted && !held) start();
      onTime(list[0][0], 0);
    },
    hold(on) {
      held = on;
      if (on) stop();
      else if (wanted) start();
    },
    setPlaying,
    playing: () => wanted,
    now: () => active.currentTime,
  };
}
