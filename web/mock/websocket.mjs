// The little of RFC 6455 that a one-way sender needs.
import { createHash } from 'node:crypto';

export function acceptWebSocket(req, socket) {
  const key = `${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`; // RFC 6455 1.3
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
}

// One unmasked binary frame, RFC 6455 5.2.
export function frame(payload) {
  const long = payload.length > 65535;
  const head = Buffer.alloc(payload.length < 126 ? 2 : long ? 10 : 4);
  head[0] = 0x82;
  if (payload.length < 126) head[1] = payload.length;
  else {
    head[1] = long ? 127 : 126;
    if (long) head.writeBigUInt64BE(BigInt(payload.length), 2);
    else head.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([head, payload]);
}
