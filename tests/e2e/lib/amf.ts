// As much AMF0 as a publisher of commands needs.
export type Value = number | string | boolean | null | { [key: string]: Value };

export function encode(value: Value): Buffer {
  if (value === null) return Buffer.from([5]);
  if (typeof value === 'boolean') return Buffer.from([1, value ? 1 : 0]);
  if (typeof value === 'number') {
    const out = Buffer.alloc(9);
    out.writeDoubleBE(value, 1);
    return out;
  }
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), text(value)]);
  const members = Object.entries(value).flatMap(([k, v]) => [text(k), encode(v)]);
  return Buffer.concat([Buffer.from([3]), ...members, Buffer.from([0, 0, 9])]);
}

function text(s: string) {
  const bytes = Buffer.from(s);
  const size = Buffer.alloc(2);
  size.writeUInt16BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

// All values of a command message.
export function decodeAll(bytes: Buffer): Value[] {
  const values: Value[] = [];
  let at = 0;
  const string = () => { const n = bytes.readUInt16BE(at); at += 2 + n; return bytes.toString('utf8', at - n, at); };
  const members = () => {
    const object: { [key: string]: Value } = {};
    while (bytes.readUIntBE(at, 3) !== 9) { const key = string(); object[key] = one(); }
    at += 3;
    return object;
  };
  const one = (): Value => {
    const marker = bytes[at++];
    switch (marker) {
      case 0: at += 8; return bytes.readDoubleBE(at - 8);
      case 1: return bytes[at++] !== 0;
      case 2: return string();
      case 3: return members();
      case 5: case 6: return null;
      case 8: at += 4; return members();
      case 10: { const n = bytes.readUInt32BE(at); at += 4; for (let i = 0; i < n; ++i) one(); return null; }
      default: throw new Error(`amf0 marker ${marker}`);
    }
  };
  while (at < bytes.length) values.push(one());
  return values;
}
