import { defineConfig } from '@playwright/test';
import e2e from './playwright.config.ts';

// tests/soak with the tools of the end-to-end tests, one at a time: `./dev soak [SECONDS]`.
export default defineConfig({
  testDir: '../soak',
  outputDir: 'results/artifacts-soak',
  globalSetup: './lib/media_setup.ts',
  workers: 1,
  reporter: [['list'], ['json', { outputFile: 'results/soak.json' }]],
  use: e2e.use,
});
