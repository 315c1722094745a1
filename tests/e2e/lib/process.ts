// Child processes of the tests: started, watched and ended by pid; what they printed is kept for failures.
import { spawn, type ChildProcess } from 'node:child_process';

export class Process {
  readonly ended: Promise<number>; // exit status; 128 + n when a signal ended it
  stdout = '';
  log = ''; // the end of stderr

  constructor(readonly child: ChildProcess, readonly name: string) {
    child.stdout?.on('data', (d) => (this.stdout += d));
    child.stderr?.on('data', (d) => (this.log = (this.log + d).slice(-8_000_000)));
    this.ended = new Promise((done) => {
      child.on('error', (e) => { this.log += e; done(127); });
      child.on('close', (code, signal) => done(signal ? 128 : code ?? 1));
    });
  }

  get running() { return this.child.exitCode === null && this.child.signalCode === null; }

  // Asks it to end, and after `grace` ms makes it end.
  async stop(signal: NodeJS.Signals = 'SIGTERM', grace = 5_000) {
    if (!this.running) return this.ended;
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), grace);
    const status = await this.ended;
    clearTimeout(timer);
    return status;
  }

  // Waits for the end; past `ms` it is killed and the wait fails with what it said.
  async finish(ms: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(() => { this.child.kill('SIGKILL'); fail(new Error(`${this.name} took more than ${ms} ms\n${this.log}`)); }, ms);
    });
    const status = await Promise.race([this.ended, late]).finally(() => clearTimeout(timer));
    if (status !== 0) throw new Error(`${this.name} ended with ${status}\n${this.log}`);
    return this.stdout;
  }
}

export function start(program: string, args: string[], env: Record<string, string> = {}): Process {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  return new Process(child, `${program} ${args.slice(-2).join(' ')}`);
}

export const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

// Polls until `condition` gives something true, which is returned.
export async function until<T>(what: string, ms: number, condition: () => Promise<T> | T): Promise<NonNullable<T>> {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await sleep(50);
  }
}
