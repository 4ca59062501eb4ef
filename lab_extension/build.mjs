// The front end in one command:  node build.mjs [build | check | test]
// Everything runs in Node itself: no npm scripts, no network once node_modules is there.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, globSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

process.chdir(dirname(fileURLToPath(import.meta.url)));

const EXTENSION = 'flambeau_lab/labextension';
const WIDGETS = '../widgets/flambeau_widgets/static';

/** Run a script of node_modules with this Node; stop the build if it fails. */
function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [join('node_modules', script), ...args], {
    stdio: 'inherit'
  });
  if (status !== 0) process.exit(status ?? 1);
}

const tsc = (...args) => run('typescript/bin/tsc', ...args);

/** One bundle NAME.js and its NAME.css, the common style sheet in it. */
async function bundle(name, format) {
  await esbuild.build({
    entryPoints: { [name]: `src/widget/${name === 'page' ? 'page' : 'index'}.ts` },
    outdir: WIDGETS,
    inject: ['style/index.js'],
    bundle: true,
    minify: true,
    format,
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning'
  });
}

/** The widget bundles: an ES module for anywidget, a plain script for the HTML page. */
async function widgets() {
  rmSync(WIDGETS, { recursive: true, force: true });
  await Promise.all([bundle('widget', 'esm'), bundle('page', 'iife')]);
}

/** The prebuilt JupyterLab extension: src/ through tsc to lib/, lib/ through rspack. */
function labextension() {
  rmSync('lib', { recursive: true, force: true });
  tsc();
  const code = path => statSync(path).isDirectory() || !path.endsWith('.ts');
  cpSync('src', 'lib', { recursive: true, filter: code });
  rmSync(EXTENSION, { recursive: true, force: true });
  const core = 'node_modules/@jupyterlab/core-meta/core.package.json';
  run('@jupyter/builder/lib/build-labextension.js', '--core-package-file', core, '.');
  copyFileSync('install.json', join(EXTENSION, 'install.json'));
  // The widget bundles carry the same libraries, so their licences go with them.
  const licences = 'third-party-licenses.json';
  copyFileSync(join(EXTENSION, 'static', licences), join(WIDGETS, licences));
}

/** Types and lint; writes nothing. */
function check() {
  tsc('--noEmit');
  if (tests().length) tsc('--noEmit', '--project', 'test');
  run('eslint/bin/eslint.js', '--max-warnings', '0', '.');
}

const tests = () => globSync('test/**/*.test.ts');

/** Unit tests: bundled, so that imports need no loader, then run by Node's own runner. */
async function test() {
  if (!tests().length) return console.log('no front-end tests');
  rmSync('.test', { recursive: true, force: true });
  mkdirSync('.test');
  await esbuild.build({
    entryPoints: tests(),
    outdir: '.test',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    sourcemap: 'inline',
    loader: { '.css': 'empty' },
    logLevel: 'warning'
  });
  const files = globSync('.test/**/*.test.mjs');
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], {
    stdio: 'inherit'
  });
  process.exit(status ?? 1);
}

async function build() {
  await widgets();
  labextension();
}

const task = { build, check, test }[process.argv[2] ?? 'build'];
if (!task) {
  console.error('usage: node build.mjs [build | check | test]');
  process.exit(2);
}
await task();
