// A packet: length of the header (4 bytes, little endian), header (JSON), parts. See packets.py.
const utf8 = new TextDecoder();

export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(utf8.decode(new Uint8Array(buffer, 4, length)));
  let place = 4 + length;
  const parts = header.parts.map(size => {
    const part = new Uint8Array(buffer, place, size);
    place += size;
    return part;
  });
  return {header, parts};
}

const plainly = {colorSpaceConversion: 'none', premultiplyAlpha: 'none'};

export const picture = (bytes, type) => createImageBitmap(new Blob([bytes], {type}), plainly);
