/**
 * Packs the package, installs it as a user would, in a folder that knows nothing of this
 * repository, and runs the program of the README there. It needs npm and its registry (or npm's
 * cache).
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { cleanEnvironment, runWell } from '../run-node.ts'
import { cjsProgram, lockProgram, paperProgram, typesProgram, usingProgram } from './programs.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

/** Node 24, if this is not it: `.ci/run` fetches it and says where it lies. */
const otherNode = process.env.GOAWAY_TEST_NODE24
const major = Number.parseInt(process.versions.node, 10)

const nodes = [{ name: `Node ${process.versions.node}`, path: process.execPath, major }]
if (major < 24 && otherNode !== undefined) {
  nodes.push({ name: 'Node 24', path: otherNode, major: 24 })
}

function npm(options: readonly string[], cwd: string): Promise<string> {
  return runWell('npm', [...options, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    // npm itself, and what it starts, run on the Node under test.
    env: { ...cleanEnvironment(), PATH: `${join(process.execPath, '..')}:${process.env.PATH}` },
  })
}

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/**
 * Packs without `prepare`: it would build into the folder that other tests run from at this moment.
 */
async function pack(into: string): Promise<string> {
  const options = ['pack', '--ignore-scripts', '--json', '--pack-destination', into]
  const output = await npm(options, repository)
  const [packed] = Object.values(JSON.parse(output) as object) as Packed[]
  if (packed === undefined) throw new Error(`npm pack printed: ${output}`)
  const paths = packed.files.map(({ path }) => path)
  const ours = /^(dist\/(lib|bundle)|bin|docs)\/|^(package\.json|[A-Z]+(\.md)?)$/
  const strangers = paths.filter((path) => !ours.test(path))
  t.same(strangers, [], 'the tarball holds the library and its documents, and nothing else')
  for (const wanted of ['LICENSE', 'README.md', 'CHANGELOG.md', 'bin/goaway.js']) {
    t.ok(paths.includes(wanted), `the tarball holds ${wanted}`)
  }
  return join(into, packed.filename)
}

/** An application that has the package, tsx and TypeScript installed. */
async function install(folder: string, tarball: string): Promise<void> {
  mkdirSync(folder)
  const own = { name: 'application', private: true, type: 'module' }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(own))
  const { tsx, typescript } = manifest.devDependencies
  const packages = [tarball, `tsx@${tsx}`, `typescript@${typescript}`, '@types/node@20']
  await npm(['install', '--prefer-offline', ...packages], folder)
}

// The name has a space, for paths become URLs and back on many ways.
const root = mkdtempSync(join(tmpdir(), 'goaway package '))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
const application = join(root, 'application')
t.before(async () => install(application, await pack(root)))
const bin = join(application, 'node_modules/goaway/bin/goaway.js')

function write(name: string, text: string): string {
  const path = join(application, name)
  writeFileSync(path, text)
  return path
}

t.test('the README shows the program that is tested here', async (t) => {
  const readme = readFileSync(join(application, 'node_modules/goaway/README.md'), 'utf8')
  t.ok(readme.includes(paperProgram), 'word for word')
})

t.test('its dependencies came with it', async (t) => {
  const here = (name: string): boolean => existsSync(join(application, 'node_modules', name))
  t.same(
    Object.keys(manifest.dependencies).filter((name) => !here(name)),
    [],
  )
})

if (nodes.every(({ major }) => major < 24)) {
  t.test('on Node 24', { skip: 'set GOAWAY_TEST_NODE24 to the path of its binary' }, () => {})
}

for (const { name, path, major } of nodes) {
  const native = major >= 24
  const runs = (options: readonly string[]): Promise<string> =>
    runWell(path, options, { cwd: application })

  t.test(`${name} runs the program of the README`, async (t) => {
    const program = write('paper.ts', paperProgram)
    t.equal(await runs([...(native ? [] : ['--import=tsx']), program]), '20\n', 'as TypeScript')
    t.equal(await runs([bin, 'run', 'paper.ts']), '20\n', 'as TypeScript, by goaway run')
    if (native) t.equal(await runs([write('using.js', usingProgram)]), '20\n', 'with using')
    t.equal(await runs([write('lock.js', lockProgram)]), '20\n', 'with lock.with')
  })

  t.test(`${name} runs a CommonJS program`, async (t) => {
    t.equal(await runs([write('program.cjs', cjsProgram)]), '20\n')
  })
}

t.test(
  'goaway run without tsx tells the way out',
  { skip: major >= 24 && 'not needed' },
  async (t) => {
    const bare = join(root, 'bare')
    mkdirSync(bare)
    writeFileSync(join(bare, 'paper.ts'), paperProgram)
    const failed = runWell(process.execPath, [bin, 'run', 'paper.ts'], { cwd: bare })
    await t.rejects(failed, { message: /code 2: .*npm install --save-dev tsx/s })
  },
)

t.test('its types serve a strict TypeScript program', async (t) => {
  write('paper.ts', paperProgram)
  write('types.ts', typesProgram)
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
  }
  write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['types.ts', 'paper.ts'] }))
  const compiler = join(application, 'node_modules/typescript/bin/tsc')
  t.equal(await runWell(process.execPath, [compiler, '-p', '.'], { cwd: application }), '')
})
