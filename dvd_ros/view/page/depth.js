// The depth picture: decodes the codes (see packets.py), colours them, reads metres under the mouse.
const TOO_FAR = 65535;
const metres = Float32Array.from({length: 65536}, (_, code) =>
  code === 0 ? NaN : code === TOO_FAR ? Infinity : 1e-3 * Math.exp(code / 1000));
const RAMP_STEPS = 256;

export class DepthPicture {
  constructor(canvas, cross, reading, ramp) {
    Object.assign(this, {canvas, cross, reading, ramp});
    this.draw = canvas.getContext('2d');
    this.scratch = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    this.colours = new Uint32Array(RAMP_STEPS);
    this.codes = null;
    this.near = this.far = null;
    this.nominal = false;  // metres that nobody has measured
    this.mouse = null;
    const move = event => { this.mouse = [event.clientX, event.clientY]; this.read(); };
    canvas.addEventListener('pointermove', move);
    canvas.addEventListener('pointerdown', move);
    canvas.addEventListener('pointerleave', () => { this.mouse = null; this.read(); });
  }

  // colours: 256 times [r, g, b], far to near
  setColours(colours) {
    colours.forEach(([r, g, b], index) => {
      this.colours[index] = 0xff000000 | b << 16 | g << 8 | r;
    });
    this.hole = 0xff241c18;
    const line = this.ramp.getContext('2d').createImageData(RAMP_STEPS, 1);
    new Uint32Array(line.data.buffer).set(this.colours.slice().reverse());
    this.ramp.getContext('2d').putImageData(line, 0, 0);
  }

  show(bitmap, near, far) {
    const {width, height} = bitmap;
    Object.assign(this.scratch.canvas, {width, height});
    this.scratch.drawImage(bitmap, 0, 0);
    const pixels = this.scratch.getImageData(0, 0, width, height);
    const bytes = pixels.data;
    if (near !== null) {
      // The range follows slowly, so that colours do not flicker.
      const follow = (old, now) => old === null ? now : old * (now / old) ** 0.15;
      this.near = follow(this.near, near);
      this.far = follow(this.far, far);
    }
    const {colours, hole} = this;
    const low = 1 / this.far, gain = (RAMP_STEPS - 1) / (1 / this.near - low);
    const codes = this.codes?.length === width * height ? this.codes : new Uint16Array(width * height);
    const out = new Uint32Array(bytes.buffer);
    for (let i = 0, at = 0; i < codes.length; i++, at += 4) {
      const code = codes[i] = bytes[at] << 8 | bytes[at + 1];
      const step = (1 / metres[code] - low) * gain;
      out[i] = code === 0 ? hole
        : colours[step <= 0 ? 0 : step >= RAMP_STEPS - 1 ? RAMP_STEPS - 1 : step | 0];
    }
    this.codes = codes;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      Object.assign(this.canvas, {width, height});
    }
    this.draw.putImageData(pixels, 0, 0);
    this.read();
  }

  read() {
    const box = this.canvas.getBoundingClientRect();
    const {width, height} = this.canvas;
    // The picture is fitted into its box, as object-fit: contain does.
    const scale = Math.min(box.width / width, box.height / height);
    const left = (box.width - width * scale) / 2, top = (box.height - height * scale) / 2;
    const [x, y] = this.mouse ? [this.mouse[0] - box.left, this.mouse[1] - box.top] : [-1, -1];
    const column = Math.floor((x - left) / scale), row = Math.floor((y - top) / scale);
    const inside = this.codes && column >= 0 && row >= 0 && column < width && row < height;
    this.cross.hidden = this.reading.hidden = !inside;
    if (!inside) return;
    const z = metres[this.codes[row * width + column]];
    this.reading.textContent = distance(z) + (this.nominal && Number.isFinite(z) ? ' nominal' : '');
    this.cross.style.left = `${x}px`;
    this.cross.style.top = `${y}px`;
    const flip = x > box.width - 150;
    this.reading.style.left = flip ? 'auto' : `${x + 12}px`;
    this.reading.style.right = flip ? `${box.width - x + 12}px` : 'auto';
    this.reading.style.top = `${Math.max(2, y - 32)}px`;
  }
}

export function distance(z) {
  if (z === null || Number.isNaN(z)) return 'no depth';
  if (z === Infinity) return 'too far';
  return `${z.toFixed(z < 10 ? 3 : z < 100 ? 2 : 1)} m`;
}
