// Curves over the last minutes, on canvas.
const COLOURS = ['#4cc2ff', '#ffb454'];
const SPAN = 300;  // seconds shown at the most
const GAP = 5;     // seconds without a sample that break a curve
const KEPT = 600;

const CHARTS = [
  {title: 'rate', unit: 'images/s', keys: [['rate_in', 'in'], ['rate_out', 'depth out']], zero: true},
  {title: 'latency', unit: 'ms', keys: [['latency_p50', 'median'], ['latency_p95', '95 %']], zero: true},
  {title: 'drops', unit: 'images/s', keys: [['drops', 'dropped']], zero: true},
  {title: 'window scale', unit: '', keys: [['window_scale', 'alignment']]},
  {title: 'metric scale', unit: '1/m', keys: [['metric_scale', 'per disparity']]},
  {title: 'sigma of depth', unit: '%', keys: [['sigma', 'by the scale']], zero: true, factor: 100, none: 'not measured'},
];

export class Curves {
  constructor(place) {
    this.samples = [];
    this.charts = CHARTS.map(chart => new Chart(place, chart));
    new ResizeObserver(() => this.paint()).observe(place);
  }

  clear() { this.samples = []; }

  // Samples may be told twice.
  add(samples) {
    const last = this.samples.length ? this.samples[this.samples.length - 1].t : -1;
    this.samples.push(...samples.filter(sample => sample.t > last));
    this.samples.splice(0, this.samples.length - KEPT);
    this.paint();
  }

  paint() { for (const chart of this.charts) chart.paint(this.samples); }
}

class Chart {
  constructor(place, {title, unit, keys, zero = false, factor = 1, none = 'nothing yet'}) {
    Object.assign(this, {keys, zero, factor, none});
    const panel = made('div', 'panel curve');
    const head = made('h2', '', title);
    head.append(made('span', 'note', unit));
    const legend = made('div', 'keys');
    this.values = keys.map(([, label], index) => {
      const entry = made('span');
      const value = made('b', 'value', '–');
      entry.append(made('i', `k${index}`), `${label} `, value);
      legend.append(entry);
      return value;
    });
    this.canvas = made('canvas');
    panel.append(head, legend, this.canvas);
    place.append(panel);
  }

  paint(samples) {
    const {canvas} = this;
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const draw = canvas.getContext('2d');
    draw.scale(ratio, ratio);
    draw.font = '11px system-ui, "DejaVu Sans", sans-serif';
    const end = samples.length ? samples[samples.length - 1].t : 0;
    const begin = Math.max(samples.length ? samples[0].t : 0, end - SPAN);
    const shown = samples.filter(sample => sample.t >= begin);
    const span = Math.max(30, end - begin);
    const read = (sample, key) => sample[key] === null || sample[key] === undefined
      ? null : sample[key] * this.factor;
    const all = this.keys.flatMap(([key]) => shown.map(sample => read(sample, key)))
      .filter(value => value !== null);
    this.keys.forEach(([key], index) => {
      const last = samples.length ? read(samples[samples.length - 1], key) : null;
      this.values[index].textContent = last === null ? '–' : number(last);
    });
    let low = all.length ? Math.min(...all) : 0, high = all.length ? Math.max(...all) : 1;
    if (this.zero) low = Math.min(0, low);
    const least = this.zero ? 1e-3 : 0.02 * Math.max(Math.abs(high), 1e-6);
    if (high - low < least) { high += this.zero ? 1 : least; low -= this.zero ? 0 : least; }
    high += 0.08 * (high - low);
    if (!this.zero) low -= 0.08 * (high - low);
    const step = nice((high - low) / 3);
    const ticks = [];
    for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(k * step);
    const left = 8 + Math.max(14, ...ticks.map(tick => draw.measureText(number(tick, step)).width));
    const right = width - 4, top = 6, bottom = height - 17;
    const x = t => right - (end - t) / span * (right - left);
    const y = value => bottom - (value - low) / (high - low) * (bottom - top);
    draw.fillStyle = '#8496ab';
    draw.strokeStyle = '#1f2a39';
    draw.textBaseline = 'middle';
    draw.textAlign = 'right';
    for (const tick of ticks) {
      line(draw, [[left, y(tick)], [right, y(tick)]]);
      draw.fillText(number(tick, step), left - 5, y(tick));
    }
    draw.textBaseline = 'alphabetic';
    draw.fillText('now', right, height - 3);
    draw.textAlign = 'left';
    draw.fillText(span > 90 ? `${Math.round(span / 60)} min ago` : `${Math.round(span)} s ago`, left, height - 3);
    if (!all.length) {
      draw.textAlign = 'center';
      draw.fillText(this.none, (left + right) / 2, (top + bottom) / 2);
    }
    draw.lineWidth = 1.6;
    draw.lineJoin = 'round';
    this.keys.forEach(([key], index) => {
      draw.strokeStyle = draw.fillStyle = COLOURS[index];
      let run = [], before = null;
      const finish = () => { if (run.length) line(draw, run); run = []; };
      for (const sample of shown) {
        const value = read(sample, key);
        if (value === null || (before !== null && sample.t - before > GAP)) finish();
        if (value !== null) run.push([x(sample.t), y(value)]);
        before = sample.t;
      }
      if (run.length) {
        draw.beginPath();
        draw.arc(...run[run.length - 1], 2.4, 0, 7);
        draw.fill();
      }
      finish();
    });
  }
}

function line(draw, points) {
  draw.beginPath();
  points.forEach(([x, y], index) => index ? draw.lineTo(x, y) : draw.moveTo(x, y));
  draw.stroke();
}

function nice(step) {
  const ten = 10 ** Math.floor(Math.log10(step));
  return ten * [1, 2, 5, 10].find(factor => factor * ten >= step * 0.999);
}

export function number(value, step = null) {
  if (step !== null) {
    return Math.abs(value) < step / 1e3 ? '0' : String(Number(value.toPrecision(6)));
  }
  const size = Math.abs(value);
  if (size === 0) return '0';
  return (size < 0.01 || size >= 1e6) ? value.toExponential(1)
    : value.toFixed(size < 1 ? 3 : size < 10 ? 2 : size < 1000 ? 1 : 0);
}

export function made(tag, classes = '', text = '') {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  element.textContent = text;
  return element;
}
