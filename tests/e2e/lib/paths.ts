import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const e2e = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const repository = resolve(e2e, '../..');
