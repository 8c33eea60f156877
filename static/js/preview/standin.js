// An animated image knows no pause: a canvas with its first frame stands in for it.

/** Shows `image` still on `canvas`, laid out as the image is; `hide()` lets it move again. */
export function createStandIn(canvas) {
  let asked = null; // the image that is being decoded

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
