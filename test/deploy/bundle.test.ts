import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { Bundler } from '../../lib/deploy/bundle.ts'
import { CodeStore } from '../../lib/deploy/code-store.ts'
import { kinds, loose, packaged, stateful } from './applications.ts'
import { deploy, install } from './run-bundle.ts'

/** A folder with the application, and beside it one for the store. */
function place(t: Test, files: Parameters<Test['testdir']>[0]): { app: string; store: string } {
  const folder = realpathSync(t.testdir({ app: files ?? {}, store: {} }))
  return { app: join(folder, 'app'), store: join(folder, 'store') }
}

t.test('Modules of all kinds are found by their place at the spawner', async (t) => {
  const { app, store } = place(t, kinds)
  const { call, folder } = await deploy(app, store)
  const url = (file: string): string => pathToFileURL(join(app, file)).href
  const results = await call(
    ['src/add.ts#add', { one: 1, other: 2 }],
    ['src/add.ts#arrow', 4],
    ['src/add.ts#default'],
    ['src/add.ts#shown'],
    ['src/add.ts#count'],
    ['view.tsx#view'],
    ['common.cjs#name'],
    ['common.cjs#name'],
    ['circle-one.ts#first', 5],
    ['facade.ts#callTyped'],
    ['facade.ts#handOn'],
    ['src/counter.ts#bump'],
  )
  t.same(
    results.map(({ value, error }) => value ?? error?.message),
    [
      3,
      8,
      'default',
      'red',
      1,
      { tag: 'b', children: ['bold'] },
      [1, join(folder, 'files'), join(folder, 'files', 'common.cjs')],
      [2, join(folder, 'files'), join(folder, 'files', 'common.cjs')],
      5,
      join(folder, 'files', 'x'),
      undefined,
      undefined,
    ],
  )
  t.same(
    results.map(({ module, exportName }) => [module, exportName]),
    [
      [url('src/add.ts'), 'add'],
      [url('src/add.ts'), 'arrow'],
      [url('src/add.ts'), 'default'],
      [url('src/add.ts'), 'shown'],
      [url('src/add.ts'), 'count'],
      [url('view.tsx'), 'view'],
      [url('common.cjs'), 'name'],
      [url('common.cjs'), 'name'],
      [url('circle-one.ts'), 'first'],
      [url('facade.ts'), 'callTyped'],
      [url('src/add.ts'), 'add'],
      [url('src/counter.ts'), 'bump'],
    ],
    'and where others find them',
  )
})

t.test('A bundle is what the program is: state, order, files, lines', async (t) => {
  const { app, store } = place(t, stateful)
  const assets = ['data/**', '!**/*.md']
  const { call, bundle, folder } = await deploy(app, store, { entry: 'main.mjs', assets })
  const results = await call(
    ['two.mjs#order'],
    ['one.mjs#one'],
    ['two.mjs#two'],
    ['one.mjs#other'],
    ['reads.mjs#readsSome'],
    ['reads.mjs#reads'],
    ['slow.mjs#slow'],
    ['loads.mjs#loads'],
    ['loads.mjs#computes', 'never-named'],
    ['spawner.mjs#spawner'],
  )
  t.same(
    results.map(({ value }) => value),
    [
      ['setup', 'state'],
      1,
      [2, 2],
      undefined,
      ['one two', '1.2.3', '1.2.3'],
      undefined,
      'waited',
      'late',
      undefined,
      [true, 'function', 'function'],
    ],
  )
  t.match(results[5]?.error?.message, `${folder}/files/data/not-asked.md`)
  t.match(results[8]?.error?.message, /never-named/)
  const [thrown] = await call(['thrower.ts#thrower', { a: 'long' }])
  t.match(thrown?.error?.stack, `thrower (${join(app, 'thrower.ts')}:6:13)`)
  const again = await deploy(app, store, { entry: 'main.mjs', assets })
  t.equal(again.bundle.manifest.hash, bundle.manifest.hash)
  t.equal(again.folder, folder)
  writeFileSync(join(app, 'data', 'words.txt'), 'three')
  const changed = await deploy(app, store, { entry: 'main.mjs', assets })
  t.not(changed.bundle.manifest.hash, bundle.manifest.hash)
  t.same((await changed.call(['reads.mjs#readsSome']))[0]?.value, ['three', '1.2.3', '1.2.3'])
})

t.test('A function that the bundle has is located without having been resolved', async (t) => {
  const { app, store } = place(t, stateful)
  const { call } = await deploy(app, store, { entry: 'main.mjs' })
  const [other] = await call(['one.mjs#other'])
  t.equal(other?.module, pathToFileURL(join(app, 'two.mjs')).href)
  t.equal(other?.exportName, 'two')
})

t.test('Bundler.build() takes further modules, and names what is not in a bundle', async (t) => {
  const { app, store } = place(t, stateful)
  const plain = await deploy(app, store, { entry: 'main.mjs' })
  const [lacking] = await plain.call(['never-named.mjs#late'])
  t.equal(lacking?.error?.code, 'ERR_GOAWAY_MODULE_LOAD')
  t.match(lacking?.error?.message, /never-named.mjs on this node: it is not in the .* bundle/)
  const extra = [`${pathToFileURL(join(app, 'never-named.mjs')).href}?query`]
  const more = await deploy(app, store, { entry: 'main.mjs', extra })
  const [value, computed] = await more.call(
    ['never-named.mjs#late'],
    ['loads.mjs#computes', 'never-named'],
  )
  t.equal(value?.value, 'never named')
  t.equal(computed?.value, 'never named')
  await t.rejects(deploy(app, store, { entry: 'main.mjs', extra: ['file:///no/such.mjs'] }), {
    code: 'ERR_GOAWAY_BUNDLE',
    message: /^Cannot bundle module file:\/\/\/no\/such.mjs: /,
  })
})

t.test('Packages travel as Node finds them; native ones are found at the node', async (t) => {
  const { app, store } = place(t, packaged)
  const modules = join(app, 'node_modules')
  const lay = (from: string, to: string): void => symlinkSync(join(modules, '.store', from), to)
  lay('linked@1/node_modules/linked', join(modules, 'linked'))
  lay('inner@1/node_modules/inner', join(modules, '.store/linked@1/node_modules/inner'))
  await t.rejects(deploy(app, store), {
    code: 'ERR_GOAWAY_MODULE_LOAD',
    message: /needs the package broken, lacks, .*; run: npm install broken lacks in /,
  })
  // The node is started in a folder that has them.
  for (const name of ['lacks', 'broken']) {
    mkdirSync(join(store, 'node_modules', name), { recursive: true })
    writeFileSync(join(store, 'node_modules', name, 'index.js'), `exports.broken = 'the node has'`)
  }
  const before = process.cwd()
  process.chdir(store)
  t.teardown(() => process.chdir(before))
  const { call, bundle } = await deploy(app, store)
  t.same(bundle.manifest.externals, ['broken', 'lacks'])
  t.same(bundle.manifest.optional, ['extra-native'])
  const results = await call(
    ['main.ts#uses'],
    ['main.ts#native'],
    ['main.ts#maybe'],
    ['main.ts#linked'],
    ['main.ts#broken'],
    ['node_modules/sibling/index.js#sibling'],
    ['node_modules/common/lib/index.js#named'],
  )
  t.same(
    results.map(({ value, error }) => value ?? error?.code),
    [
      ['common', 'node sibling', 'sub', ['data', 'part']],
      { broken: 'the node has' },
      'none',
      'inner',
      'the node has',
      'ERR_GOAWAY_FUNCTION_NOT_EXPORTED',
      'common',
    ],
  )
  const paths = bundle.manifest.files.map(({ path }) => path)
  t.notOk(paths.some((path) => /unused|README|bundler|extra-native|lacks|no\.cjs/.test(path)))
})

t.test('A thread bundles while the main thread is blocked, and leaves no process', async (t) => {
  const { app } = place(t, kinds)
  const words = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('./bundle-thread.js', import.meta.url), {
    workerData: { words, entry: join(app, 'main.ts'), root: app },
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const exit = once(worker, 'exit')
  // It may be done before this thread gets so far.
  t.not(Atomics.wait(words, 0, 0, 60_000), 'timed-out')
  t.equal(words[0], 10, 'every module of it')
  await exit
  const until = performance.now() + 20_000
  while (esbuilds() !== '' && performance.now() < until) await sleep(20)
  t.equal(esbuilds(), '')
})

/** Processes of esbuild that this one has started and that have not been ended. */
function esbuilds(): string {
  const children = spawnSync('ps', ['-o', 'args=', '--ppid', String(process.pid)]).stdout
  // A thread may end before it can take notice of its child's end.
  const isOne = (line: string): boolean => /esbuild(?!\] <defunct>)/.test(line)
  return children.toString().split('\n').filter(isOne).join('\n')
}

t.test('What loaders let pass, JSON, CommonJS in TypeScript, odd names, runs too', async (t) => {
  const { app, store } = place(t, loose)
  const { call, folder } = await deploy(app, store)
  const results = await call(
    ['main.ts#json'],
    ['main.ts#folder'],
    ['star/index.ts#star'],
    ['query.mts#first'],
    ['query.mts#second'],
    ['odd ü.mts#odd'],
  )
  t.same(
    results.map(({ value, error }) => value ?? error),
    [
      [['one'], ['one']],
      [join(folder, 'files'), 'old', 'old', 'own'],
      'star',
      [1, 2, 1],
      'second sealed',
      join(folder, 'files', 'odd ü.mts.mjs'),
    ],
  )
})

t.test('A computed import brings in nothing that nobody named', async (t) => {
  const { app, store } = place(t, {
    'package.json': '{}',
    'main.mjs': "export const load = (name) => import('./' + name)\n",
    'broken.mjs': 'export const = 1\n',
    'page.html': '<p>',
    node_modules: { some: { 'index.js': 'exports.some = = 1' } },
  })
  const { bundle } = await deploy(app, store, { entry: 'main.mjs' })
  t.same(
    bundle.manifest.files.map(({ path }) => path),
    ['files/main.mjs', 'files/package.json'],
  )
})

t.test('What cannot be read is named with file and line', async (t) => {
  const { app, store } = place(t, {
    'main.ts': "import './wrong.ts'\n",
    'wrong.ts': 'export const a = 1\nexport const = 2\n',
    'lost.mjs': "\nimport './none.mjs'\n",
    'tries.mjs': "export let found = 'none'\ntry { await import('not-there') } catch {}\n",
    'tries.cjs': "try { require('not-there') } catch { exports.get = () => 'caught' }\n",
  })
  const code = 'ERR_GOAWAY_BUNDLE'
  await t.rejects(deploy(app, store), {
    code,
    message: new RegExp(`^Cannot bundle ${app}/wrong.ts:2:13: Expected identifier`),
  })
  await t.rejects(deploy(app, store, { entry: 'lost.mjs' }), {
    code,
    message: `Cannot bundle ${app}/lost.mjs:2:7: Could not resolve "./none.mjs"`,
  })
  await t.resolves(deploy(app, store, { entry: 'tries.mjs' }))
  const { call } = await deploy(app, store, { entry: 'tries.cjs' })
  t.equal((await call(['tries.cjs#get']))[0]?.value, 'caught')
})

t.test('The library itself stays out: nodes have it, and the routines of its bench', async (t) => {
  const library = (file: string): URL => new URL(`../../../${file}`, import.meta.url)
  const routines = library('dist/lib/bench/matrix-routines.js')
  const bundler = new Bundler({
    root: t.testdir({}),
    entry: fileURLToPath(library('bin/goaway.js')),
    modules: [routines.href],
  })
  const { manifest, read } = await bundler.build()
  t.equal(manifest.files.length, 1)
  const [file] = manifest.files
  const { path = '', hash = '' } = file ?? {}
  t.same(manifest.modules, { [routines.href]: path })
  t.equal(String(await read(hash)), 'export * from "goaway/matrix-routines"\n')
  // In this repository the name of the library would lead to itself.
  const store = mkdtempSync(join(tmpdir(), 'goaway-store-'))
  t.teardown(() => rmSync(store, { recursive: true, force: true }))
  const folder = await install({ manifest, read }, new CodeStore(store))
  const { runTask } = await import(pathToFileURL(join(folder, path)).href)
  t.equal(runTask, (await import(routines.href)).runTask, 'the very function')
})
