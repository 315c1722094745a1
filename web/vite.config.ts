import { defineConfig, type ProxyOptions } from 'vite';

// `npm run dev` serves the sources with hot reload and asks a running server (or `npm run mock`) for
// everything that is media or API. WEIR_URL names it.
const server = process.env.WEIR_URL ?? 'http://127.0.0.1:8080';
const proxy: Record<string, ProxyOptions> = {
  '^/api/': { target: server },
  '^/.+\\.(m3u8|ts|m4s|mp4|flv)(\\?.*)?$': { target: server, ws: true },
};

export default defineConfig({
  server: { proxy },
  build: {
    target: 'es2020',
    // Inlined data: URLs would need a wider content security policy.
    assetsInlineLimit: 0,
    sourcemap: false,
    // The players are the big chunks, and they are loaded only by the watch page.
    chunkSizeWarningLimit: 700,
    modulePreload: { polyfill: false },
  },
});
