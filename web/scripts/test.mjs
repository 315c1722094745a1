// Bundles the unit tests with the esbuild that Vite brings and hands them to Node's own test runner.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const esbuild = createRequire(require.resolve('vite'))('esbuild');

const out = 'node_modules/.tests';
rmSync(out, { recursive: true, force: true });
const tests = readdirSync('src', { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `src/${name}`);
await esbuild.build({
  entryPoints: tests, bundle: true, platform: 'node', format: 'esm', outdir: out, outExtension: { '.js': '.mjs' },
});
const files = readdirSync(out, { recursive: true }).map(String).filter((name) => name.endsWith('.mjs'));
const run = spawnSync(process.execPath, ['--test', ...files.map((name) => `${out}/${name}`)], { stdio: 'inherit' });
process.exit(run.status ?? 1);
