/** webpack-bundle-analyzer: its page is told when the bundle has changed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import analyzer from 'webpack-bundle-analyzer';
import { WebSocket } from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

/** What webpack says of a bundle of one module. */
function stats(size) {
  const module = { name: './index.js', id: 1, size, chunks: [1], moduleType: 'javascript/auto' };
  return {
    assets: [{ name: 'main.js', size, chunks: [1], type: 'asset', emitted: true }],
    chunks: [{ id: 1, files: ['main.js'], modules: [module] }],
    entrypoints: { main: { name: 'main', chunks: [1], assets: [{ name: 'main.js' }] } },
    modules: [module],
  };
}

async function tells() {
  const { ws, http, updateChartData } = await analyzer.start(stats(100), {
    port: 0,
    host: 'localhost',
    openBrowser: false,
    analyzerUrl: () => '',
    reportTitle: 'a bundle',
    compressionAlgorithm: 'gzip',
    logger: { info: () => {}, warn: () => {}, error: console.error, debug: () => {} },
  });
  const address = `localhost:${http.address().port}`;
  const socket = new WebSocket(`ws://${address}/`);
  try {
    await within(5_000, 'open', once(socket, 'open'));
    assert.match(await (await fetch(`http://${address}/`)).text(), /"statSize":100/);
    const told = once(socket, 'message');
    updateChartData(stats(250));
    const { event, data } = JSON.parse((await within(5_000, 'news', told))[0]);
    assert.equal(event, 'chartDataUpdated');
    assert.equal(data[0].statSize, 250);
  } finally {
    socket.terminate();
    ws.close();
    http.close();
    http.closeAllConnections();
  }
}

await runsOn('webpack-bundle-analyzer', 'webpack-bundle-analyzer');
await result('webpack-bundle-analyzer: tells of a change', tells);
