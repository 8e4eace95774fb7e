// A picture with at most 256 colours: those that fill it most stay as they are, every other becomes the nearest of them.
async (png) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const data = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of data) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const away = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
  // The most frequent first; one that is close to a colour already taken adds nothing an eye would see.
  const palette = [];
  for (const near of [150, 40, 0]) {
    for (const [pixel] of [...counts].sort((a, b) => b[1] - a[1])) {
      if (palette.length === 256) break;
      const colour = parts(pixel);
      if (palette.every((taken) => away(taken, colour) > near)) palette.push(colour);
    }
  }
  const places = new Map();
  const nearest = (pixel) => {
    const colour = parts(pixel);
    let best = 0;
    palette.forEach((taken, place) => {
      if (away(taken, colour) < away(palette[best], colour)) best = place;
    });
    return best;
  };
  const pixels = new Uint8Array(data.length);
  data.forEach((pixel, at) => {
    if (!places.has(pixel)) places.set(pixel, nearest(pixel));
    pixels[at] = places.get(pixel);
  });
  let text = "";
  for (let at = 0; at < pixels.length; at += 32768) text += String.fromCharCode(...pixels.subarray(at, at + 32768));
  return { width, height, palette: palette.flat(), pixels: btoa(text) };
}
