// Animated images can't be paused, so a canvas with the first frame replaces a paused one.

/** Show `image` as a still on `canvas` with the same layout; `hide()` shows the animation again. */
export function createStandIn(canvas) {
  let asked = null; // the image being decoded

  return {
    isShown: () => !canvas.hidden,
    async show(image) {
      asked = image;
      await image.decode().catch(() => {});
      if (asked !== image) return;
      Object.assign(canvas, { width: image.naturalWidth || 1, height: image.naturalHeight || 1 });
      canvas.getContext("2d").drawImage(image, 0, 0);
      const { objectFit, objectPosition } = image.style;
      Object.assign(canvas.style, { objectFit, objectPosition });
      canvas.hidden = false;
    },
    hide() {
      asked = null;
      canvas.hidden = true;
    },
  };
}
