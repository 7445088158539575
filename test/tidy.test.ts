/**
 * What a reviewer need not look for: who imports whom, sizes, names. An exception is listed here by
 * its path with its reason, and fails the test when it is no longer one.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import {
  functionsOf,
  type Import,
  readDocuments,
  readSources,
  repository,
  type Source,
  wordsOf,
} from './tidy-source.ts'

const fileLinesMax = 400
const functionLinesMax = 70
const columnsMax = 100

/**
 * Who may import whom. A folder's entry names folders or files of lib; `type` before it: types
 * alone. All may import their own folder, errors and limits.
 */
const layers: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'limits.ts': [],
  'clock.ts': [],
  wire: [],
  memory: ['wire'],
  history: ['wire'],
  check: ['history'],
  protocol: ['type wire'],
  transport: ['wire'],
  client: [
    ...['wire', 'memory', 'history', 'clock.ts'],
    ...['type executor/contract.ts', 'type hub/hub-start.ts'],
  ],
  handles: [
    ...['wire', 'memory', 'client', 'history'],
    ...['type executor/contract.ts', 'type deploy/node-status.ts'],
  ],
  // The hub and its executor speak the same codecs as the threads.
  executor: ['wire', 'protocol', 'client', 'clock.ts', 'history'],
  'executor/thread-entry.cjs': ['index.ts', 'sync.ts'],
  hub: [
    ...['wire', 'memory', 'protocol', 'transport', 'client', 'clock.ts'],
    ...['type executor', 'type history'],
  ],
  'hub/assemble.ts': ['executor', 'history'],
  // Where the hub's thread begins, it is put together.
  'hub/hub-entry.ts': ['executor/pool.ts'],
  'hub/hub-main.ts': ['executor/pool.ts', 'cluster/spawn.ts'],
  // They make a cluster of hubs, at the program and at a node: all rooms meet there.
  cluster: [
    ...['wire', 'protocol', 'transport', 'client', 'deploy', 'hub', 'clock.ts', 'history'],
    'type executor',
  ],
  node: [
    ...['wire', 'protocol', 'transport', 'client', 'deploy', 'hub', 'cluster', 'clock.ts'],
    ...['history', 'executor/pool.ts'],
  ],
  // It starts processes and prepares what they are to be; what they say has its own codec.
  deploy: ['wire', 'transport', 'client/error-codec.ts'],
  // A program that uses the library as others do.
  bench: ['index.ts', 'sync.ts', 'deploy', 'type wire'],
  // It runs all of the above in one thread.
  sim: [
    ...['wire', 'memory', 'protocol', 'transport', 'client', 'handles', 'executor', 'hub'],
    ...['cluster', 'node', 'clock.ts', 'history', 'check'],
  ],
  // It talks to nodes, and of the client it needs only what tells a program its options.
  cli: [
    'bench',
    'index.ts',
    'sync.ts',
    'check.ts',
    'history',
    'deploy',
    'transport',
    'client/threads-variable.ts',
    'type wire',
  ],
  'index.ts': ['handles', 'type executor/contract.ts', 'type client', 'type deploy'],
  'sync.ts': ['handles'],
  'testing.ts': ['sim'],
  'check.ts': ['check', 'history'],
}

/** Packages, and the files that may import them. */
const packages: Readonly<Record<string, RegExp>> = {
  acorn: /^lib\/(client\/analyse-script|deploy\/find-specifiers)\.ts$/,
  esbuild: /^lib\/deploy\/(trace-modules|transform-module)\.ts$/,
  'get-tsconfig': /^lib\/deploy\/transform-module\.ts$/,
  msgpackr: /^lib\/wire\/frame\.ts$/,
  'net-ipc': /^lib\/transport\/(net-ipc-connection|tcp-(connect|listen))\.ts$/,
  piscina: /^lib\/executor\/pool\.ts$/,
  'cli-table3': /^lib\/(cli\/node-table|bench\/write-report)\.ts$/,
  'log-update': /^lib\/cli\/top-command\.ts$/,
  tinyglobby: /^lib\/deploy\/(bundle|package-files)\.ts$/,
  valibot: /^lib\/deploy\/(cluster-(schema|file|nodes)|manifest)\.ts$/,
  yaml: /^lib\/deploy\/cluster-file\.ts$/,
  yargs: /^lib\/cli\//,
}

/** Where a thread is made or entered, or a port is read or made. Types may be imported anywhere. */
const threadFiles = [
  'lib/bench/bare-port.ts',
  'lib/client/hub-client.ts',
  'lib/client/payload.ts',
  'lib/client/start-hub.ts',
  'lib/executor/pool.ts',
  'lib/executor/register-tsx.ts',
  'lib/hub/hub-entry.ts',
  'lib/hub/inbox.ts',
  'lib/node/node-entry.ts',
  'lib/node/node-process.ts',
  'lib/transport/thread.ts',
]

const longFiles: Readonly<Record<string, string>> = {}
const longFunctions: Readonly<Record<string, string>> = {
  'test/failures.test.ts: a function': 'one table of failures',
  'test/protocol/deadlock.test.ts: a function': 'one story',
  'test/protocol/strict.test.ts: a function': 'one story',
}
const longLines: Readonly<Record<string, string>> = {}
const sharedNames: Readonly<Record<string, string>> = {
  'contract.ts': 'each room that can be replaced has its contract',
  'lock.ts': 'the handle, and the machine behind it',
}

/** What a pure file may not use: time, chance and waiting come from outside. */
const impureNames = 'async await Promise Date performance crypto process queueMicrotask globalThis'
const impure = new RegExp(
  `^((${impureNames.replaceAll(' ', '|')})(\\..*)?|Math\\.random|set(Timeout|Interval|Immediate))$`,
)

const sources = readSources()
const lib = sources.filter(({ path }) => path.startsWith('lib/'))

function wrong(t: Test, found: readonly string[], message: string): void {
  t.same(found, [], message)
}

/** What was found that is not excepted, and the exceptions that nothing needs any more. */
function withExceptions(found: readonly string[], excepted: readonly string[]): string[] {
  const stale = excepted.filter((path) => !found.includes(path))
  return [
    ...found.filter((path) => !excepted.includes(path)),
    ...stale.map((path) => `stale exception: ${path}`),
  ]
}

function layerOf(path: string): readonly string[] {
  const inLib = path.slice('lib/'.length)
  const folder = inLib.split('/')[0] as string
  const own = layers[inLib]
  const shared = layers[folder]
  if (own === undefined && shared === undefined)
    throw new Error(`No layer is written down: ${path}`)
  return [...(own ?? []), ...(shared ?? [])]
}

function mayImport({ path }: Source, { target, typeOnly }: Import): boolean {
  const inLib = target.slice('lib/'.length)
  const folder = inLib.split('/')[0] as string
  if (folder === path.split('/')[1] || inLib === 'errors.ts' || inLib === 'limits.ts') return true
  return layerOf(path).some((entry) => {
    const allowed = entry.replace('type ', '')
    return (allowed === folder || allowed === inLib) && (typeOnly || allowed === entry)
  })
}

t.test('folders of lib import only what their layer may', async (t) => {
  const found = lib.flatMap((source) =>
    source.imports
      .filter(({ target }) => target.startsWith('lib/'))
      .filter((one) => !mayImport(source, one))
      .map(({ target, typeOnly }) => `${source.path} -> ${typeOnly ? 'type ' : ''}${target}`),
  )
  wrong(t, found, 'see `layers` in this test')
})

t.test('packages and threads are imported where they belong', async (t) => {
  const found = lib.flatMap(({ path, imports }) =>
    imports
      .filter(({ target }) => !target.startsWith('lib/') && !target.startsWith('node:'))
      .filter(({ target }) => packages[target.split('/')[0] as string]?.test(path) !== true)
      .map(({ target }) => `${path} -> ${target}`),
  )
  wrong(t, found, 'see `packages` in this test')
  const threaded = lib
    .filter(({ imports }) =>
      imports.some(({ target, typeOnly }) => target === 'node:worker_threads' && !typeOnly),
    )
    .map(({ path }) => path)
  wrong(t, withExceptions(threaded, threadFiles), 'see `threadFiles` in this test')
})

t.test('nothing imports in a circle', async (t) => {
  const edges = new Map(lib.map(({ path, imports }) => [path, imports.map(({ target }) => target)]))
  const circles = new Set<string>()
  const done = new Set<string>()
  const walk = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) circles.add([...way.slice(way.indexOf(path)), path].join(' -> '))
    if (done.has(path) || way.includes(path)) return
    for (const target of edges.get(path) ?? []) walk(target, [...way, path])
    done.add(path)
  }
  for (const path of edges.keys()) walk(path, [])
  wrong(t, [...circles], 'types included')
})

t.test('wire and protocol know no time, no chance and no waiting', async (t) => {
  const pure = lib.filter(({ path }) => /^lib\/(wire|protocol)\//.test(path))
  t.ok(pure.length > 5)
  const found = pure.flatMap((source) => [
    ...source.imports
      .filter(({ target }) => target.startsWith('node:'))
      .map(({ target }) => `${source.path} -> ${target}`),
    ...[...wordsOf(source)]
      .filter((word) => impure.test(word))
      .map((word) => `${source.path}: ${word}`),
  ])
  wrong(t, found, 'they arrive as arguments')
})

t.test('files, functions and lines are short', async (t) => {
  const files = sources
    .filter(({ lines }) => lines.length - 1 > fileLinesMax)
    .map(({ path }) => path)
  wrong(t, withExceptions(files, Object.keys(longFiles)), `files of at most ${fileLinesMax} lines`)

  const functions = sources.flatMap((source) =>
    functionsOf(source)
      .filter(({ lines }) => lines > functionLinesMax)
      .map(({ name }) => `${source.path}: ${name}`),
  )
  wrong(
    t,
    withExceptions([...new Set(functions)], Object.keys(longFunctions)),
    `functions of at most ${functionLinesMax} lines`,
  )

  const long = sources.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (line.length > columnsMax ? [`${path}:${index + 1}`] : [])),
  )
  const paths = [...new Set(long.map((place) => place.replace(/:\d+$/, '')))]
  const excepted = Object.keys(longLines)
  wrong(
    t,
    [
      ...long.filter((place) => !excepted.includes(place.replace(/:\d+$/, ''))),
      ...excepted.filter((path) => !paths.includes(path)).map((path) => `stale exception: ${path}`),
    ],
    `lines of at most ${columnsMax} columns`,
  )
})

t.test('names are kebab-case, and unique in lib', async (t) => {
  const names = sources.map(({ path }) => basename(path).replace(/(\.test|\.proof)?\.\w+$/, ''))
  wrong(
    t,
    names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)),
    'kebab-case',
  )
  wrong(
    t,
    names.filter((name) => /^(utils?|helpers?|common|misc)$/.test(name)),
    'a name says what is in the file',
  )
  const inLib = lib.map(({ path }) => basename(path))
  const twice = [...new Set(inLib.filter((name, index) => inLib.indexOf(name) !== index))]
  wrong(t, withExceptions(twice, Object.keys(sharedNames)), 'unique in lib')
})

t.test('nothing is left to do, and nothing tells of the machine it was written on', async (t) => {
  // Written in two parts, so that this file does not find itself.
  const marks = new RegExp(
    `\\b(${['FIX', 'TO', 'XX'].map((mark, n) => mark + ['ME', 'DO', 'X'][n]).join('|')})\\b`,
  )
  const machine = new RegExp(['/wo', 'rk/|/ro', 'ot/|/home/[a-z]+/'].join(''))
  const files = [...sources, ...readDocuments()]
  const found = (mark: RegExp): string[] =>
    files.filter(({ text }) => mark.test(text)).map(({ path }) => path)
  wrong(t, found(marks), 'no marks of unfinished work')
  wrong(t, found(machine), 'no paths of one machine')
})

t.test('links between documents lead somewhere', async (t) => {
  const documents = readDocuments().filter(({ path }) => path.endsWith('.md'))
  const found = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)]
      .map(([, target]) => join(path, '..', target as string))
      .filter((target) => !existsSync(join(repository, target)))
      .map((target) => `${path} -> ${target}`),
  )
  wrong(t, found, 'relative links')
})

t.test('the changelog has an entry for this version', async (t) => {
  const read = (path: string): string => readFileSync(join(repository, path), 'utf8')
  const { version } = JSON.parse(read('package.json')) as { version: string }
  t.ok(read('CHANGELOG.md').includes(`\n## ${version}\n`), version)
})

t.test('every test file is named as one', async (t) => {
  const strays = sources
    .filter(
      ({ path, imports }) =>
        path.startsWith('test/') &&
        !/\.(test|proof)\.ts$/.test(path) &&
        imports.some(({ target, typeOnly }) => target === 'tap' && !typeOnly),
    )
    .map(({ path }) => path)
  wrong(t, strays, 'a file that runs tests ends in .test.ts, or .proof.ts')
})
