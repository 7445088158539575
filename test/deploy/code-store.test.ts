import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import t from 'tap'
import { CodeStore } from '../../lib/deploy/code-store.ts'
import { hashOf, makeManifest } from '../../lib/deploy/manifest.ts'
import { codeAgeMsMax, codeBundlesKept } from '../../lib/limits.ts'
import type { CodeManifest } from '../../lib/wire/messages.ts'

const text = Buffer.from('export const a = 1\n')
const hash = hashOf(text)

function manifestOf(
  paths: readonly string[],
  more: Partial<CodeManifest> = {},
  content = hash,
): CodeManifest {
  const files = paths.map((path) => ({ path, hash: content, bytes: text.length }))
  return makeManifest({ files, modules: {}, externals: [], ...more })
}

async function newStore(name: string): Promise<{ store: CodeStore; folder: string }> {
  const folder = join(realpathSync(t.testdirName), name)
  const store = new CodeStore(folder)
  await store.put(hash, text)
  return { store, folder }
}

t.testdir()

t.test('CodeStore.missing() and put() know files by their content', async (t) => {
  const { store, folder } = await newStore('known')
  const other = hashOf('other')
  const files = [hash, other, other].map((each, n) => ({
    path: `files/${n}`,
    hash: each,
    bytes: 1,
  }))
  const manifest = makeManifest({ files, modules: {}, externals: [] })
  t.same(await store.missing(manifest), [other])
  await t.rejects(store.put(other, text), {
    code: 'ERR_GOAWAY_PROTOCOL',
    message: `content has the hash ${hash}, not "${other}"`,
  })
  await t.rejects(store.put('../../x', text), { code: 'ERR_GOAWAY_PROTOCOL' })
  await t.rejects(store.install(manifest), { code: 'ENOENT' })
  t.same(readdirSync(join(folder, 'bundles')), [], 'nothing half is left')
  await store.put(other, Buffer.from('other'))
  t.same(await store.missing(manifest), [])
  const installed = await store.install(manifest)
  t.equal(readFileSync(join(installed, 'files', '1'), 'utf8'), 'other')
})

t.test('CodeStore.install() refuses a hostile manifest', async (t) => {
  const { store, folder } = await newStore('hostile')
  const code = 'ERR_GOAWAY_PROTOCOL'
  const paths = [
    '../x',
    'files/../../x',
    'files/..',
    '/etc/x',
    'files//x',
    'files/./x',
    'files/',
    'x',
    'code.json',
    'node_modules/goaway/index.js',
    'files\\..\\x',
    'files/a\\..\\..\\x',
    'files/x\0',
    'C:/x',
    '',
  ]
  for (const path of paths) {
    const manifest = manifestOf([path])
    await t.rejects(
      store.install(manifest),
      { code, message: /has the path .* under files\// },
      path,
    )
    await t.rejects(store.missing(manifest), { code })
    const linked = manifestOf(['files/a'], { links: [['files/b', path]] })
    await t.rejects(store.install(linked), { code }, `link to ${path}`)
    const link = manifestOf(['files/a'], { links: [[path, 'files/a']] })
    await t.rejects(store.install(link), { code }, `link at ${path}`)
  }
  await t.rejects(store.install(manifestOf(['files/a', 'files/a'])), { code })
  await t.rejects(store.install(manifestOf(['files/a'], {}, '../../../etc/passwd')), { code })
  for (const name of ['../x', '/x', '..', '.', 'a/../../b', '@a/..', 'a\\b', '']) {
    await t.rejects(store.install(manifestOf([], { externals: [name] })), { code }, name)
    await t.rejects(store.install(manifestOf([], { optional: [name] })), { code }, name)
  }
  const module = manifestOf([], { modules: { 'file:///x.js': 'files/x.js' } })
  await t.rejects(store.install(module), { code, message: /it has to be one of the files/ })
  const forged = { ...manifestOf(['files/a']), hash: hashOf('forged') }
  await t.rejects(store.install(forged), { code, message: /it has to be the hash of its parts/ })
  const malformed = { ...manifestOf([]), files: 3 } as unknown as CodeManifest
  await t.rejects(store.install(malformed), { code })
  // A file cannot be written through a link, for links come last.
  const through = manifestOf(['files/a/x'], { links: [['files/a', 'files/b']] })
  await t.rejects(store.install(through), { code: 'EEXIST' })
  t.notOk(existsSync(join(folder, 'x')))
  t.same(existsSync(join(folder, 'bundles')) ? readdirSync(join(folder, 'bundles')) : [], [])
})

t.test('CodeStore.install() of one bundle many times at once gives one folder', async (t) => {
  const { folder, store } = await newStore('race')
  const manifest = manifestOf(Array.from({ length: 50 }, (_, n) => `files/${n}/x.js`))
  const stores = Array.from({ length: 6 }, () => new CodeStore(folder))
  const installed = await Promise.all(stores.map((each) => each.install(manifest)))
  t.equal(new Set(installed).size, 1)
  t.equal(await store.install(manifest), installed[0])
  const names = readdirSync(join(folder, 'bundles')).filter((name) => !name.includes('.'))
  t.equal(names.length, 1)
  t.equal(readdirSync(join(installed[0] as string, 'files')).length, 50)
})

t.test('CodeStore removes what is old, many, and used by nobody', async (t) => {
  const { store, folder } = await newStore('old')
  const installed: string[] = []
  const count = codeBundlesKept + 3
  for (let n = 0; n < count; n++) installed.push(await store.install(manifestOf([`files/${n}`])))
  t.equal(installed.filter((each) => existsSync(each)).length, count, 'young ones stay')
  const old = new Date(Date.now() - codeAgeMsMax - 60_000)
  const ended = spawnSync('true').pid
  const [first = '', second = ''] = installed
  // The oldest was used by a process that has ended, the next by that one and by this one.
  for (const each of [first, second]) writeFileSync(`${each}.${ended}`, '')
  rmSync(`${first}.${process.pid}`)
  for (const [n, each] of installed.entries()) {
    const used = new Date(+old - (count - n) * 1000)
    utimesSync(each, used, used)
  }
  const stale = join(folder, 'blobs', '00', '0'.repeat(64))
  mkdirSync(join(stale, '..'), { recursive: true })
  writeFileSync(stale, '')
  utimesSync(stale, old, old)
  await store.install(manifestOf(['files/newest']))
  t.notOk(existsSync(first), 'old, and its process has ended')
  t.ok(existsSync(second), 'old, and in use')
  t.notOk(existsSync(`${first}.${ended}`))
  t.notOk(existsSync(stale))
  t.same(await store.missing(manifestOf(['files/a'])), [], 'a young file stays')
})
