import { defineConfig } from '@playwright/test';

// One real server per worker; every test uses stream names of its own. Browser tests use Debian's Chromium.
// Two runs make the whole (`./dev e2e`): what is tagged @player measures how something plays, so it runs
// with nothing beside it; all else shares the cores.
const project = process.env.E2E_PROJECT ?? 'all';

export default defineConfig({
  testDir: '.',
  outputDir: `results/artifacts-${project}`,
  globalSetup: './lib/media_setup.ts',
  timeout: 90_000,
  expect: { timeout: 15_000 },
  workers: 2,
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  reporter: [['list'], ['json', { outputFile: `results/${project}.json` }]],
  projects: [
    { name: 'wire', grepInvert: /@player/ },
    { name: 'players', grep: /@player/ },
  ],
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
