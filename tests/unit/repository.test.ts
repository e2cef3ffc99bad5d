/** The files around the code: what CI, forms and package.json say agrees with each other. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const ROOT = join(__dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Manifest {
  readonly engines: { readonly node: string };
  readonly scripts: Record<string, string>;
  readonly repository: { readonly url: string };
  readonly bugs: string;
  readonly homepage: string;
  readonly author: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
}

const readManifest = (path: string): Manifest => JSON.parse(read(path));

/** Jest reads its coverage settings with js-yaml, so it is installed wherever the tests run. */
const yaml = require('js-yaml') as { safeLoad(text: string): unknown };

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly steps?: readonly Step[];
  readonly permissions?: Record<string, string>;
  readonly container?: { readonly image: string };
  readonly 'timeout-minutes'?: number;
  readonly strategy?: { readonly matrix: { readonly os: string[]; readonly node: number[] } };
}

interface Workflow {
  readonly permissions: Record<string, string>;
  readonly jobs: Record<string, Job>;
}

interface Field {
  readonly id?: string;
  readonly type: string;
  readonly attributes: { readonly label?: string };
}

function filesBelow(folder: string, name: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(path, name);
    return name.test(entry.name) ? [path] : [];
  });
}

const yamlFiles = filesBelow('.github', /\.ya?ml$/);
const load = <T>(path: string): T => yaml.safeLoad(read(path)) as T;
const workflowFiles = yamlFiles.filter((path) => path.startsWith('.github/workflows/'));
const workflow = (name: string) => load<Workflow>(`.github/workflows/${name}.yml`);
const manifest = readManifest('package.json');
const script = read('.ci/run');

/** The words of a list in .ci/run. */
function listInScript(name: string): string[] {
  const [, list] = new RegExp(`^readonly ${name}=\\(([^)]*)\\)$`, 'm').exec(script) ?? [];
  return list?.trim().split(/\s+/) ?? [];
}

test.each(yamlFiles)('%s is a YAML mapping', (path) => {
  expect(load(path)).toEqual(expect.objectContaining({}));
});

describe('versions of Node', () => {
  const oldest = Number(/^>=(\d+)$/.exec(manifest.engines.node)?.[1]);
  const newer = listInScript('NODE_VERSIONS').map(Number);

  test('CI has those of .ci/run, from the oldest that package.json allows', () => {
    expect(workflow('ci').jobs['test']?.strategy?.matrix.node).toEqual([oldest, ...newer]);
  });

  test('.ci/run finds the newer ones in tests/interop', () => {
    const names = Object.keys(readManifest('tests/interop/package.json').optionalDependencies);
    const versions = names.map((name) => Number(/^node(\d+)-/.exec(name)?.[1] ?? 0));
    expect([...new Set(versions)].filter(Boolean)).toEqual(newer);
  });

  test('the oldest one is that of .nvmrc, of the images of CI, and of the types', () => {
    const images = workflowFiles.flatMap((path) =>
      Object.values(load<Workflow>(path).jobs).flatMap(({ container }) => container?.image ?? []),
    );
    expect(images.length).toBeGreaterThan(0);
    expect(new Set(images)).toEqual(new Set([`node:${oldest}-bookworm`]));
    expect(Number(read('.nvmrc'))).toBe(oldest);
    expect(manifest.devDependencies['@types/node']).toMatch(new RegExp(`^\\^${oldest}\\.`));
  });
});

test('CI runs on the three platforms', () => {
  const platforms = workflow('ci').jobs['test']?.strategy?.matrix.os;
  expect(platforms).toEqual(['ubuntu-latest', 'macos-latest', 'windows-latest']);
});

describe.each(workflowFiles)('%s', (path) => {
  const { jobs, permissions } = load<Workflow>(path);
  const steps = Object.values(jobs).flatMap((job) => job.steps ?? []);
  const commands = steps.map(({ run }) => run ?? '').join('\n');

  test('may only read, unless a job says more', () => {
    expect(permissions).toEqual({ contents: 'read' });
  });

  test('has a time limit for each job', () => {
    const endless = Object.entries(jobs).filter(
      ([, job]) => job.uses === undefined && job['timeout-minutes'] === undefined,
    );
    expect(endless).toEqual([]);
  });

  test('names actions by their major version, and workflows that are there', () => {
    const used = [...Object.values(jobs), ...steps].flatMap(({ uses }) => uses ?? []);
    for (const one of used) {
      if (one.startsWith('./')) expect(existsSync(join(ROOT, one))).toBe(true);
      else expect(one).toMatch(/^actions\/[\w-]+@v\d+$/);
    }
  });

  test('runs scripts and files that are there', () => {
    const scripts = Array.from(commands.matchAll(/npm run ([\w:-]+)/g), ([, name = '']) => name);
    expect(scripts.filter((name) => !(name in manifest.scripts))).toEqual([]);
    const paths = Array.from(commands.matchAll(/(?:\.ci|tests|docs)\/[\w./-]+/g), ([name]) => name);
    expect(paths.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });
});

test('the nightly run installs the peers that .ci/run installs', () => {
  const steps = workflow('nightly').jobs['interop']?.steps ?? [];
  const install = steps.find(({ run }) => run?.includes('apt-get install'))?.run ?? '';
  const [, ...lines] = install.split('\\\n');
  const packages = lines.flatMap((line) => line.trim().split(' '));
  expect(packages).toEqual(listInScript('DEBIAN_PACKAGES'));
});

describe('a release', () => {
  const { jobs } = workflow('release');
  const publishing = Object.entries(jobs).filter(([, job]) =>
    JSON.stringify(job).includes('npm publish'),
  );

  test('comes after the whole of CI, and only its job may ask npm to trust it', () => {
    expect(jobs['ci']?.uses).toBe('./.github/workflows/ci.yml');
    expect(publishing.map(([name]) => name)).toEqual(['publish']);
    expect(jobs['publish']?.needs).toBe('ci');
    const trusted = workflowFiles.filter((path) => read(path).includes('id-token'));
    expect(trusted).toEqual(['.github/workflows/release.yml']);
  });

  test('publishes the tarball that .ci/run tested: it neither checks out nor builds', () => {
    const uses = jobs['publish']?.steps?.map((step) => step.uses?.split('@')[0]);
    expect(uses).toContain('actions/download-artifact');
    expect(uses).not.toContain('actions/checkout');
    expect(read('.github/workflows/ci.yml')).toContain('TARBALL_FOLDER:');
    expect(script).toContain('cp "$scratch"/ws6455-*.tgz "$TARBALL_FOLDER"');
  });
});

test('no test file is longer than 500 lines', () => {
  const lines = (path: string) => read(path).split('\n').length - 1;
  const files = filesBelow('tests', /\.test\.ts$/);
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((path) => lines(path) > 500)).toEqual([]);
});

test('dependabot looks at every package.json that has dependencies', () => {
  const { updates } = load<{ updates: { directories?: string[]; directory?: string }[] }>(
    '.github/dependabot.yml',
  );
  const listed = updates.flatMap(({ directories }) => directories ?? []);
  const found = filesBelow('tests', /^package\.json$/).filter((path) => {
    return readManifest(path).dependencies !== undefined;
  });
  expect([...listed].sort()).toEqual(['/', ...found.map((path) => `/${dirname(path)}`)].sort());
});

describe('issue forms', () => {
  const forms = yamlFiles.filter((path) => /ISSUE_TEMPLATE\/(?!config)/.test(path));

  test.each(forms)('%s has what GitHub asks for', (path) => {
    const { name, description, body } = load<{ name: string; description: string; body: Field[] }>(
      path,
    );
    expect([typeof name, typeof description]).toEqual(['string', 'string']);
    const fields = body.filter(({ type }) => type !== 'markdown');
    const ids = fields.map(({ id }) => id);
    expect(new Set(ids).size).toBe(fields.length);
    const labels = fields.map(({ attributes }) => attributes.label);
    expect(labels.every((label) => typeof label === 'string')).toBe(true);
  });

  test('the one for bugs asks for versions, system, a program and frames in hex', () => {
    const { body } = load<{ body: Field[] }>('.github/ISSUE_TEMPLATE/bug.yml');
    const ids = body.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['version', 'node', 'os', 'program', 'frames']));
  });
});

describe('the address of the repository', () => {
  const [, home] =
    /^git\+(https:\/\/github\.com\/[^/]+\/ws6455)\.git$/.exec(manifest.repository.url) ?? [];

  test('is the same in every field of package.json', () => {
    expect(home).toBeDefined();
    expect(manifest.bugs).toBe(`${home}/issues`);
    expect(manifest.homepage).toBe(`${home}#readme`);
    expect(manifest.author).toContain(`(${home})`);
  });

  test('is the same in the other files', () => {
    const files = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...yamlFiles];
    const others = files.flatMap(
      (path) => read(path).match(/https:\/\/github\.com\/[\w-]+\/ws6455/g) ?? [],
    );
    expect(others.length).toBeGreaterThan(0);
    expect(others.filter((one) => one !== home)).toEqual([]);
  });
});
