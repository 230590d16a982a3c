// What the node says of itself. Names and texts come from the network: textContent only, never HTML.
import {made} from '/curves.js';

const KNOWN = new Set(['OK', 'WARN', 'ERROR', 'SILENT', 'OFFLINE']);

export function setLevel(element, level) {
  const shown = KNOWN.has(level) ? level : 'SILENT';
  element.className = `pill ${shown}`;
  element.textContent = shown;
}

export function showDetails(place, state) {
  const blocks = state.statuses.map(one => block(one.name, one.level, one.message, Object.entries(one.values)));
  const {camera, alignment, scale} = state;
  if (camera.fx) {
    blocks.push(block('camera', '', camera.frame_id, [
      ['size', `${camera.width} x ${camera.height}`],
      ['focal length', `${camera.fx.toFixed(1)}, ${camera.fy.toFixed(1)} px`],
      ['field of view', `${Math.round(2 * Math.atan(camera.width / 2 / camera.fx) * 180 / Math.PI)}° across`]]));
  }
  if (scale.sources?.length) {
    blocks.push(block('sources of metres', '', scale.metric ? 'metric' : scale.reason,
      scale.sources.map(source => [source.name, `${source.used ? 'used' : 'not used'}: ${source.status}`])));
  }
  if (alignment.window !== undefined) {
    blocks.push(block('window', '', `${alignment.window}, segment ${alignment.segment}`, [
      ['frames, new', `${alignment.frames}, ${alignment.new_frames}`],
      ['overlap correlation', alignment.correlation === null ? 'no overlap' : alignment.correlation.toFixed(4)]]));
  }
  place.replaceChildren(...blocks);
}

function block(name, level, message, rows) {
  const part = made('div');
  const head = made('h3');
  head.append(made('span', KNOWN.has(level) ? level : '', name), made('span', '', message));
  const table = made('table');
  for (const [key, value] of rows) {
    const row = made('tr');
    row.append(made('td', '', key), made('td', '', value));
    table.append(row);
  }
  part.append(head, table);
  return part;
}
