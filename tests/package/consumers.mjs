/** Small programs of consumers, compiled under every way to resolve modules, and run. */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { result } from '../interop/support/results.mjs';
import { at, node } from './commands.mjs';

const COMPILERS = [
  { version: '5.9', tsc: at('node_modules/typescript/lib/tsc.js') },
  { version: '6', tsc: at('../../node_modules/typescript/lib/tsc.js') },
  { version: '7', tsc: at('node_modules/typescript7/bin/tsc') },
];

const ANYWHERE = [
  'augmented',
  'default-and-named',
  'namespace',
  'types-only',
  'dynamic-import',
  'subclass',
  'protocol',
  'topics',
  'crossws',
];
const COMMONJS = [...ANYWHERE, 'import-equals'];

const ESM = { type: 'module', programs: ANYWHERE };
const CJS = { type: 'commonjs', programs: COMMONJS };
const OLD_STYLE = { type: 'commonjs', programs: ['import-equals', 'namespace-as-class'] };

/** `since` and `until`: the compilers that still, or already, know such a setting. */
const SETTINGS = [
  { name: 'node10, CJS', module: 'commonjs', moduleResolution: 'node10', until: 6, ...CJS },
  { name: 'node10, ESM', module: 'es2022', moduleResolution: 'node10', until: 6, ...ESM },
  {
    ...{ name: 'node10, CJS without esModuleInterop', esModuleInterop: false },
    ...{ module: 'commonjs', moduleResolution: 'node10', until: 6, ...OLD_STYLE },
  },
  { name: 'node16, CJS', module: 'node16', moduleResolution: 'node16', ...CJS },
  { name: 'node16, ESM', module: 'node16', moduleResolution: 'node16', ...ESM },
  { name: 'nodenext, CJS', module: 'nodenext', moduleResolution: 'nodenext', ...CJS },
  { name: 'nodenext, ESM', module: 'nodenext', moduleResolution: 'nodenext', ...ESM },
  { name: 'bundler, ESM', module: 'es2022', moduleResolution: 'bundler', ...ESM },
  { name: 'bundler, preserve', module: 'preserve', moduleResolution: 'bundler', ...ESM },
];

function configuration({ module, moduleResolution, esModuleInterop = true }, version) {
  const deprecated = moduleResolution === 'node10' && version === '6';
  return {
    compilerOptions: {
      ...{ target: 'es2022', lib: ['es2022'], types: ['node'], strict: true, outDir: 'out' },
      ...{ rootDir: '.', skipLibCheck: module !== 'nodenext' },
      ...{ module, moduleResolution, esModuleInterop },
      ...(deprecated ? { ignoreDeprecations: '6.0' } : {}),
    },
    include: ['*.ts'],
  };
}

const STRICTEST = {
  ...{ noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true },
  ...{ noUncheckedIndexedAccess: true },
};

/** A project of its own below the folder that has the package installed. */
function makeProject(folder, setting, version) {
  const project = join(folder, `${setting.name} ${version}`.replace(/\W+/g, '-'));
  mkdirSync(project);
  const write = (name, value) => writeFileSync(join(project, name), JSON.stringify(value));
  write('package.json', { private: true, type: setting.type });
  write('tsconfig.json', configuration(setting, version));
  for (const program of setting.programs) {
    copyFileSync(at(`consumers/${program}.ts`), join(project, `${program}.ts`));
  }
  return project;
}

/** What is tested beside '*.ts'; node10 reads the types for CommonJS in any case. */
function extensionOf({ type, moduleResolution }) {
  if (type === 'commonjs') return '*.cts';
  return moduleResolution === 'node10' ? '*.ts' : '*.mts';
}

/** The type tests, which name the package `ws`: they compile against what is installed. */
function makeTypeTests(folder, setting, version) {
  const project = join(folder, `types ${setting.name} ${version}`.replace(/\W+/g, '-'));
  mkdirSync(project);
  const { compilerOptions } = configuration(setting, version);
  const config = {
    compilerOptions: { ...compilerOptions, ...STRICTEST },
    include: ['*.ts', extensionOf(setting)],
  };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: setting.type }));
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
  for (const file of readdirSync(at('../types')).filter((name) => /\.[cm]?ts$/.test(name))) {
    const text = readFileSync(at(`../types/${file}`), 'utf8');
    writeFileSync(join(project, file), text.replace(/'ws(\/esm)?'/g, "'ws6455'"));
  }
  return project;
}

export async function checkConsumers(folder) {
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(at('node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  for (const { version, tsc } of COMPILERS) {
    for (const setting of SETTINGS.filter(({ until = 9 }) => Number(version) <= until)) {
      const project = makeProject(folder, setting, version);
      const title = `consumers: TypeScript ${version}, ${setting.name}`;
      await result(`${title}: compiles`, () => node([tsc, '-p', project]));
      if (setting.esModuleInterop !== false) {
        const types = makeTypeTests(folder, setting, version);
        await result(`${title}: type tests compile`, () => node([tsc, '-p', types]));
      }
      for (const program of setting.programs) {
        const built = join(project, 'out', `${program}.js`);
        await result(`${title}: ${program} runs`, () => node([built], { timeout: 10_000 }));
      }
    }
  }
}
