// A raw RTMP publisher, to send what no encoder sends: any timestamps, chunk sizes, bytes. RTMP 1.0 5.
import { connect, type Socket } from 'node:net';
import { decodeAll, encode, type Value } from './amf.ts';
import type { Tag } from './flv_file.ts';
import { sleep } from './process.ts';

type Message = { type: number; stream: number; timestamp: number; payload: Buffer };
type Incoming = Message & { length: number; delta: number; extended: boolean; got: Buffer[]; size: number };

export type Style = {
  chunkSize?: number;
  // 5.3.1.3: whether chunks that continue a message repeat the extended timestamp (ffmpeg, OBS) or not (some encoders)
  repeatExtended?: boolean;
};

export class RtmpClient {
  readonly commands: Value[][] = []; // all that the server said, in order
  closed = false;
  private received = Buffer.alloc(0);
  private partial = new Map<number, Incoming>();
  private inChunk = 128;
  private outChunk = 128;
  private transaction = 0;
  private stream = 0;

  private constructor(readonly socket: Socket, private style: Style) {}

  static async connect(port: number, app: string, style: Style = {}): Promise<RtmpClient> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    const client = new RtmpClient(socket, style);
    socket.on('error', () => {});
    socket.on('close', () => (client.closed = true));
    await client.handshake();
    if (style.chunkSize) client.setChunkSize(style.chunkSize);
    await client.call('connect', { app, type: 'nonprivate', flashVer: 'FMLE/3.0', tcUrl: `rtmp://127.0.0.1:${port}/${app}` });
    return client;
  }

  async publish(name: string) {
    this.stream = (await this.call('createStream', null))[3] as number;
    this.command(this.stream, 'publish', null, name, 'live');
    await this.answer((c) => c[0] === 'onStatus' && (c[3] as any).code === 'NetStream.Publish.Start');
  }

  setChunkSize(size: number) {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(size);
    this.message(2, { type: 1, stream: 0, timestamp: 0, payload });
    this.outChunk = size;
  }

  // Sends tags, `speed` times as fast as their own times say; `retime` gives the timestamp on the wire.
  async send(tags: Tag[], { speed = 1, retime = (t: number) => t } = {}) {
    const began = performance.now();
    const first = tags[0]?.timestamp ?? 0;
    for (const tag of tags) {
      const early = (tag.timestamp - first) / speed - (performance.now() - began);
      if (early > 5) await sleep(early);
      if (this.closed) throw new Error(`the server closed the connection; it said ${JSON.stringify(this.commands.at(-1))}`);
      const payload = tag.type === 18 ? Buffer.concat([encode('@setDataFrame'), tag.payload]) : tag.payload;
      this.message(tag.type === 9 ? 6 : 4, { type: tag.type, stream: this.stream, timestamp: retime(tag.timestamp) >>> 0, payload });
      if (this.socket.writableNeedDrain) await new Promise((done) => { this.socket.once('drain', done); this.socket.once('close', done); });
    }
  }

  async end() {
    this.command(0, 'deleteStream', null, this.stream);
    await new Promise<void>((done) => this.socket.end(done));
  }

  command(stream: number, name: string, ...args: Value[]) {
    this.message(3, { type: 20, stream, timestamp: 0, payload: Buffer.concat([name, ++this.transaction, ...args].map(encode)) });
  }

  // Type 0 chunk, then type 3 for the rest: 5.3.1.
  message(id: number, m: Message) {
    const extended = m.timestamp >= 0xffffff;
    const time = Buffer.alloc(4);
    time.writeUInt32BE(m.timestamp);
    const head = Buffer.alloc(12);
    head[0] = id;
    head.writeUIntBE(extended ? 0xffffff : m.timestamp, 1, 3);
    head.writeUIntBE(m.payload.length, 4, 3);
    head[7] = m.type;
    head.writeUInt32LE(m.stream, 8);
    const parts: Buffer[] = [head, ...(extended ? [time] : [])];
    for (let at = 0; at < m.payload.length; at += this.outChunk) {
      if (at > 0) parts.push(Buffer.from([0xc0 | id]), ...(extended && this.style.repeatExtended !== false ? [time] : []));
      parts.push(m.payload.subarray(at, at + this.outChunk));
    }
    this.socket.write(Buffer.concat(parts));
  }

  private async call(name: string, ...args: Value[]): Promise<Value[]> {
    this.command(0, name, ...args);
    const id = this.transaction;
    return this.answer((c) => c[0] === '_result' && c[1] === id);
  }

  private async answer(wanted: (c: Value[]) => boolean): Promise<Value[]> {
    for (let i = 0; i < 500 && !this.closed; ++i) {
      const found = this.commands.find(wanted);
      if (found) return found;
      const refused = this.commands.find((c) => c[0] === '_error' || (c[3] as any)?.level === 'error');
      if (refused) throw new Error(`refused: ${JSON.stringify(refused)}`);
      await sleep(10);
    }
    throw new Error(`no answer; the server said ${JSON.stringify(this.commands)}`);
  }

  private async handshake() {
    const c1 = Buffer.alloc(1537, 7);
    c1[0] = 3;
    c1.fill(0, 1, 9);
    this.socket.write(c1);
    await new Promise<void>((done, fail) => {
      this.socket.once('close', () => fail(new Error('closed in the handshake')));
      const take = (data: Buffer) => {
        this.received = Buffer.concat([this.received, data]);
        if (this.received.length < 3073) return;
        this.socket.off('data', take);
        this.socket.write(this.received.subarray(1, 1537));
        this.received = this.received.subarray(3073);
        this.socket.on('data', (more) => { this.received = Buffer.concat([this.received, more]); this.takeChunks(); });
        done();
      };
      this.socket.on('data', take);
    });
  }

  private takeChunks() { while (this.takeChunk()); }

  // One chunk off `received`; false when it is not all there yet.
  private takeChunk(): boolean {
    const b = this.received;
    if (b.length < 1) return false;
    const format = b[0] >> 6;
    const id = b[0] & 63;
    const headSize = [11, 7, 3, 0][format];
    let at = 1 + headSize;
    if (b.length < at) return false;
    const m: Incoming = this.partial.get(id) ?? { type: 0, stream: 0, timestamp: 0, payload: b, length: 0, delta: 0, extended: false, got: [], size: 0 };
    if (format < 3) m.extended = b.readUIntBE(1, 3) === 0xffffff;
    if (format < 2) { m.length = b.readUIntBE(4, 3); m.type = b[7]; }
    if (format === 0) m.stream = b.readUInt32LE(8);
    if (m.extended) at += 4;
    const take = Math.min(this.inChunk, m.length - m.size);
    if (b.length < at + take) return false; // nothing is kept yet: the same head is read again
    m.got.push(b.subarray(at, at + take));
    m.size += take;
    this.partial.set(id, m);
    this.received = b.subarray(at + take);
    if (m.size === m.length) {
      const payload = Buffer.concat(m.got);
      m.got = [];
      m.size = 0;
      if (m.type === 1) this.inChunk = payload.readUInt32BE(0);
      if (m.type === 20) this.commands.push(decodeAll(payload));
    }
    return true;
  }
}
