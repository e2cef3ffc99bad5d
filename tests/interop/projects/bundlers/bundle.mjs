/** One function per bundler: `(entry, outfile, options)`, for Node or for browsers. */
import { createWriteStream } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import commonjs from '@rollup/plugin-commonjs';
import nodeResolve from '@rollup/plugin-node-resolve';
import browserify from 'browserify';
import { build, transform } from 'esbuild';
import { rollup } from 'rollup';
import webpack from 'webpack';

/** esbuild keeps a CommonJS package's `require` of Node's own modules, which an ES module lacks. */
const REQUIRE = [
  "import { createRequire } from 'node:module';",
  'const require = createRequire(import.meta.url);',
].join('');

export async function byEsbuild(entry, outfile, { browser, minify, format = 'cjs' }) {
  await build({
    ...(format === 'esm' && { banner: { js: REQUIRE } }),
    ...{ entryPoints: [entry], outfile, bundle: true, minify, format, logLevel: 'silent' },
    platform: browser ? 'browser' : 'node',
  });
}

export async function byWebpack(entry, outfile, { browser, minify = false, module = false }) {
  const compiler = webpack({
    mode: minify ? 'production' : 'development',
    ...{ devtool: false, entry, target: browser ? 'web' : 'node20' },
    experiments: { outputModule: module },
    output: {
      path: dirname(outfile),
      filename: basename(outfile),
      ...(module && { library: { type: 'module' } }),
    },
    optimization: { minimize: minify },
  });
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, done) => (error ? reject(error) : resolve(done)));
  });
  if (stats.hasErrors()) throw new Error(stats.toString('errors-only'));
}

export async function byRollup(entry, outfile, { browser, format = 'cjs', exportName }) {
  const bundle = await rollup({
    input: entry,
    external: browser ? [] : [/^node:/],
    plugins: [nodeResolve({ browser: browser === true, preferBuiltins: true }), commonjs()],
    onwarn(warning) {
      throw new Error(warning.message);
    },
  });
  await bundle.write({ file: outfile, format, name: exportName });
  await bundle.close();
}

/** Browserify reads JavaScript up to ES2020: what is newer is written anew before it looks. */
function toOlderSyntax() {
  const chunks = [];
  return new Transform({
    transform(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
    flush(done) {
      transform(`${Buffer.concat(chunks)}`, { target: 'es2019' }).then(
        ({ code }) => done(null, code),
        done,
      );
    },
  });
}

/** For Node as `browserify --node --global-transform`, for browsers without any options. */
export async function byBrowserify(entry, outfile, { browser }) {
  const isFound = (id) => !id.startsWith('node:');
  const forNode = { bare: true, browserField: false, filter: isFound };
  const bundle = browserify(entry, browser ? {} : forNode);
  if (!browser) bundle.transform(toOlderSyntax, { global: true });
  await pipeline(bundle.bundle(), createWriteStream(outfile));
}
