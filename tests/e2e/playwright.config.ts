import { defineConfig } from '@playwright/test';

// One real server per worker; every test uses stream names of its own. Browser tests use Debian's Chromium.
export default defineConfig({
  testDir: '.',
  outputDir: 'results/artifacts',
  globalSetup: './lib/media_setup.ts',
  timeout: 90_000,
  expect: { timeout: 15_000 },
  workers: 2,
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  reporter: [['list'], ['json', { outputFile: 'results/results.json' }]],
  use: {
    launchOptions: {
      executablePath: '/usr/bin/chromium',
      args: [
        '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync',
        '--autoplay-policy=no-user-gesture-required',
      ],
    },
  },
});
