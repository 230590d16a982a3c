// The live view: one WebSocket, on which the server pushes packets; nothing is sent.
import {unpack, picture} from '/packets.js';
import {DepthPicture, distance} from '/depth.js';
import {CloudView} from '/cloud.js';
import {Curves} from '/curves.js';
import {setLevel, showDetails} from '/details.js';

const $ = id => document.getElementById(id);
const depth = new DepthPicture($('depth'), $('cross'), $('reading'), $('ramp'));
const cloud = new CloudView($('cloud'), $('home'));
const curves = new Curves($('curves'));
const image = $('image').getContext('2d');
// Counts what was shown, for whoever wonders (and for the tests).
const shown = window.shown = {frame: 0, depth: 0, cloud: 0, state: 0};
if (!cloud.works) $('cloud-hint').textContent = 'this browser has no WebGL2';

let fov = 0;  // vertical, of the camera

const take = {
  hello(header) {
    depth.setColours(header.colours);
    curves.clear();
    take.state(header);
  },

  state({state, samples}) {
    setLevel($('level'), state.level);
    $('node').textContent = state.node;
    $('message').textContent = state.message;
    document.title = `${state.level}: ${state.node}`;
    const {camera} = state;
    depth.nominal = state.scale.nominal === true;
    fov = camera.fy > 0 ? 2 * Math.atan(camera.height / 2 / camera.fy) : 0;
    showDetails($('details'), state);
    curves.add(samples);
    shown.state++;
  },

  async frame(header, parts) {
    const bytes = [...parts];
    const [rgb, codes] = await Promise.all([
      header.image ? picture(bytes.shift(), 'image/jpeg') : null,
      header.depth ? picture(bytes.shift(), 'image/png') : null]);
    if (rgb) {
      const {width, height} = rgb;
      if (image.canvas.width !== width || image.canvas.height !== height) {
        Object.assign(image.canvas, {width, height});
      }
      image.drawImage(rgb, 0, 0);
      rgb.close();
      $('image-note').textContent = header.frame_id;
      shown.frame++;
    }
    if (codes) {
      depth.show(codes, header.near, header.far);
      codes.close();
      const late = header.age > 0 && header.age < 3600 ? `, ${Math.round(header.age * 1000)} ms after its image` : '';
      $('depth-note').textContent = `${header.width} x ${header.height}${late}`;
      $('near').textContent = distance(depth.near);
      $('far').textContent = distance(depth.far);
      shown.depth++;
    } else if (rgb) {
      $('depth-note').textContent = 'none comes';
    }
  },

  cloud(header, [points]) {
    cloud.show(points, header.count, header.centre, fov);
    $('cloud-note').textContent = `${header.count.toLocaleString('en')} points, ${header.frame_id}`;
    shown.cloud++;
  },
};

// The newest packet of each kind, taken one after the other: what comes meanwhile replaces it.
const waiting = new Map();
let busy = false;

async function drain() {
  if (busy) return;
  busy = true;
  while (waiting.size) {
    const [[kind, {header, parts}]] = waiting;
    waiting.delete(kind);
    try {
      await take[kind](header, parts);
    } catch (error) {
      console.error(kind, error);
    }
  }
  busy = false;
}

const PAUSES = [0.5, 1, 2, 4];  // seconds between attempts
let attempt = 0;

function connect() {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const socket = new WebSocket(`${scheme}://${location.host}/live`);
  socket.binaryType = 'arraybuffer';
  let bytes = 0;
  const meter = setInterval(() => {
    $('link').textContent = `${(bytes / 1e6).toFixed(1)} MB/s`;
    bytes = 0;
  }, 1000);
  socket.onopen = () => { attempt = 0; };
  socket.onmessage = ({data}) => {
    if (!(data instanceof ArrayBuffer)) return;
    bytes += data.byteLength;
    const packet = unpack(data);
    if (!Object.hasOwn(take, packet.header.kind)) return;
    waiting.set(packet.header.kind, packet);
    drain();
  };
  socket.onclose = () => {
    clearInterval(meter);
    setLevel($('level'), 'OFFLINE');
    $('message').textContent = 'the view is not there, or too many look on; trying again';
    $('link').textContent = '';
    setTimeout(connect, 1000 * PAUSES[Math.min(attempt++, PAUSES.length - 1)]);
  };
}

connect();
