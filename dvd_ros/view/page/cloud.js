// The point cloud: one WebGL2 program; drag orbits, wheel or pinch zooms, right button or two fingers pan.
// Coordinates are those of the optical frame: x right, y down, z ahead, metres.
const VERTEX = `#version 300 es
in vec3 at; in vec3 colour;
uniform mat4 view; uniform vec2 focal; uniform float size, near, far;
out vec3 shade;
void main() {
  vec4 p = view * vec4(at, 1.0);
  float depth = -p.z;
  gl_Position = vec4(p.xy * focal, depth * (far + near) / (far - near) - 2.0 * far * near / (far - near), depth);
  // A point is as wide as the pixel that it was is at its distance from the camera, seen from the eye.
  gl_PointSize = clamp(size * max(at.z, 0.0) / max(depth, near), 1.0, 24.0);
  shade = colour;
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec3 shade; out vec4 pixel;
void main() { pixel = vec4(shade, 1.0); }`;
const ROWS_SHARE = 0.66;  // rows of a picture over its columns, nearly
const BYTES = 12;  // of a point: three half floats, padding, RGB, padding; see packets.py

export class CloudView {
  constructor(canvas, home) {
    this.canvas = canvas;
    this.count = 0;
    this.centre = null;  // what the eye turns about; follows the cloud until somebody moves
    this.fov = 1.0;      // vertical, radians
    this.moved = false;
    this.pointers = new Map();
    this.start();
    canvas.addEventListener('webglcontextlost', event => event.preventDefault());
    canvas.addEventListener('webglcontextrestored', () => this.start());
    canvas.addEventListener('contextmenu', event => event.preventDefault());
    canvas.addEventListener('pointerdown', event => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event);
    });
    for (const name of ['pointerup', 'pointercancel']) {
      canvas.addEventListener(name, event => this.pointers.delete(event.pointerId));
    }
    canvas.addEventListener('pointermove', event => this.drag(event));
    canvas.addEventListener('wheel', event => {
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY * (event.deltaMode ? 0.03 : 0.0012)));
    }, {passive: false});
    home.addEventListener('click', () => this.reset());
    new ResizeObserver(() => this.redraw()).observe(canvas);
    this.reset();
  }

  get works() { return this.gl !== null; }

  reset() {
    Object.assign(this, {yaw: -0.34, pitch: 0.22, pan: [0, 0, 0], zoomed: 1.45, moved: false});
    this.pivot = this.centre && Math.hypot(...this.centre);
    this.redraw();
  }

  start() {
    const gl = this.gl = this.canvas.getContext('webgl2', {antialias: false, alpha: false});
    if (!gl) return;
    const program = this.program = gl.createProgram();
    for (const [type, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, 'at');
    gl.bindAttribLocation(program, 1, 'colour');
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      console.error(gl.getProgramInfoLog(program));
      this.gl = null;
      return;
    }
    gl.useProgram(program);
    this.uniforms = Object.fromEntries(['view', 'focal', 'size', 'near', 'far'].map(
      name => [name, gl.getUniformLocation(program, name)]));
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.HALF_FLOAT, false, BYTES, 0);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 3, gl.UNSIGNED_BYTE, true, BYTES, 8);
    gl.enable(gl.DEPTH_TEST);
    gl.clearColor(0.027, 0.039, 0.063, 1);
    this.count = 0;
  }

  show(bytes, count, centre, fov) {
    if (!this.gl) return;
    this.gl.bufferData(this.gl.ARRAY_BUFFER, bytes, this.gl.DYNAMIC_DRAW);
    this.count = count;
    if (fov) this.fov = fov;
    if (centre) {
      this.centre = centre;
      const reach = Math.hypot(...centre);
      if (!this.pivot || !this.moved) this.pivot = this.pivot ? 0.9 * this.pivot + 0.1 * reach : reach;
    }
    this.redraw();
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers.values()].filter(one => one.pointerId !== event.pointerId);
      const apart = one => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      this.zoom(apart(before) / Math.max(1, apart(event)));
      this.shift(dx / 2, dy / 2);
    } else if (event.buttons & 2 || event.shiftKey) {
      this.shift(dx, dy);
    } else {
      this.yaw -= dx * 0.006;
      this.pitch = Math.min(1.55, Math.max(-1.55, this.pitch + dy * 0.006));
    }
    this.moved = true;
    this.pointers.set(event.pointerId, event);
    this.redraw();
  }

  zoom(factor) {
    this.zoomed = Math.min(50, Math.max(0.01, this.zoomed * factor));
    this.moved = true;
    this.redraw();
  }

  shift(dx, dy) {
    const step = this.reach() * 2 * Math.tan(this.fov / 2) / Math.max(1, this.canvas.clientHeight);
    const {right, up} = this.axes();
    this.pan = this.pan.map((value, i) => value - right[i] * dx * step + up[i] * dy * step);
  }

  reach() { return (this.pivot || 2) * this.zoomed; }

  // The eye's axes in the optical frame.
  axes() {
    const [cy, sy, cp, sp] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
    return {right: [cy, 0, sy], up: [-sy * sp, -cp, cy * sp], back: [sy * cp, -sp, -cy * cp]};
  }

  redraw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = 0; this.paint(); });
  }

  paint() {
    const {gl, canvas} = this;
    if (!gl || gl.isContextLost()) return;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
    gl.viewport(0, 0, width, height);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    if (!this.count) return;
    const {right, up, back} = this.axes();
    const reach = this.reach();
    const target = [this.pan[0], this.pan[1], this.pan[2] + (this.pivot || 2)];
    const eye = target.map((value, i) => value + back[i] * reach);
    const dot = axis => -axis.reduce((sum, value, i) => sum + value * eye[i], 0);
    gl.uniformMatrix4fv(this.uniforms.view, false, [
      right[0], up[0], back[0], 0, right[1], up[1], back[1], 0, right[2], up[2], back[2], 0,
      dot(right), dot(up), dot(back), 1]);
    const focal = 1 / Math.tan(this.fov / 2);
    gl.uniform2f(this.uniforms.focal, focal * height / width, focal);
    gl.uniform1f(this.uniforms.size, 1.7 * height / Math.sqrt(ROWS_SHARE * this.count));
    gl.uniform1f(this.uniforms.near, 0.01 * reach);
    gl.uniform1f(this.uniforms.far, 1000 * reach);
    gl.drawArrays(gl.POINTS, 0, this.count);
    this.painted = this.count;
  }
}
