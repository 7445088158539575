/** Routines on the nodes of a cluster: where they run, what they can do there, how they fail. */
import process from 'node:process'
import { type GoawayError, goaway, init, isSpawner, Lock, shutdown } from 'goaway'
import t from 'tap'
import { streamCredit } from '../../lib/limits.ts'
import { localCluster, patience } from './local-cluster.ts'
import {
  callHidden,
  countDown,
  failAtChild,
  graceMs,
  leaveChild,
  produce,
  readLicense,
  readSome,
  signs,
  tellWhere,
  throwLater,
  throwOwn,
  visit,
  waitForAbort,
  waitForChild,
} from './routines.ts'

Object.assign(process.env, localCluster(t, {}).env, { GOAWAY_CLUSTER: '' })
const cluster = await init({
  launch: 'local',
  ...patience,
  nodes: [
    { name: 'first', threads: 2 },
    { name: 'second', threads: 2, labels: ['big', 'quick'] },
  ],
  threads: 1,
  assets: ['LICENSE'],
})
t.teardown(() => shutdown({ graceMs: 0 }))

async function failureOf(routine: PromiseLike<unknown>): Promise<GoawayError> {
  try {
    await routine
  } catch (error) {
    return error as GoawayError
  }
  throw new Error('It did not fail')
}

t.test('nodes() tells who is there, in the order of the file', async (t) => {
  const nodes = cluster.nodes()
  t.same(
    nodes.map(({ name }) => name),
    ['spawner', 'first', 'second'],
  )
})

t.test('on: runs at a node, at one with the label, or here', async (t) => {
  const at = await goaway.with({ on: 'second' })(tellWhere)
  t.match(at, { node: 'second', attempt: 1, isSpawner: false })
  t.not(at.pid, process.pid)
  t.ok(at.thread > 0)
  t.equal((await goaway.with({ on: 'big' })(tellWhere)).pid, at.pid)
  const first = await goaway.with({ on: 'first' })(tellWhere)
  t.match(first, { node: 'first', isSpawner: false })
  t.not(first.pid, at.pid)
  const local = await goaway.with({ on: 'local' })(tellWhere)
  t.match(local, { pid: process.pid, isSpawner: false })
  t.equal(isSpawner, true)
  const routine = goaway.with({ on: 'first' })(tellWhere)
  t.equal((await routine).id, routine.id)
  const error = await failureOf(goaway.with({ on: 'nowhere' })(tellWhere))
  t.match(error, { code: 'ERR_GOAWAY_CONFIG', message: /nowhere/ })
})

t.test('a routine starts others at any node, and at the spawner', async (t) => {
  const path = ['second', 'first', 'spawner', 'second']
  t.same(await goaway.with({ on: 'first' })(visit, path), ['first', ...path])
  t.same(await goaway.with({ on: 'second' })(visit, ['local', 'local']), Array(3).fill('second'))
})

t.test('a tree of routines over all nodes counts under one lock', async (t) => {
  t.equal(await goaway(countDown, 4), 31)
  t.equal(await signs.get('count'), 31)
})

t.test('an error keeps its class, properties and lines, and tells where it was', async (t) => {
  // Heard from the beginning: either may fail first.
  const failures = [
    failureOf(goaway.with({ on: 'second' })(throwOwn)),
    failureOf(goaway.with({ on: 'first' })(failAtChild, 'second')),
  ]
  for (const error of await Promise.all(failures)) {
    t.ok(error instanceof RangeError)
    t.match(error, { message: 'no paper left', code: 'EPAPER', tray: { sheets: 0 }, attempt: 1 })
    t.equal(error.name, 'OutOfPaper')
    t.match(error.cause, { message: 'the reason' })
    t.ok(error.cause instanceof TypeError)
    t.equal(error.node, 'second')
    t.ok((error.thread ?? 0) > 0)
    t.match(error.stack, /at throwOwn \(.*test\/cluster\/routines\.ts:\d+:\d+\)/)
  }
})

t.test('an error that nobody catches fails its routine alone', async (t) => {
  const neighbour = goaway.with({ on: 'second', graceMs })(waitForAbort, 'neighbour')
  await signs.waitFor('neighbour')
  const error = await failureOf(goaway.with({ on: 'second' })(throwLater))
  t.match(error, { message: 'thrown later', node: 'second' })
  t.ok(['queued', 'running'].includes(neighbour.status), 'it goes on')
  neighbour.cancel()
  t.equal((await failureOf(neighbour)).code, 'ERR_GOAWAY_CANCELLED')
})

t.test('cancel reaches a child at another node', async (t) => {
  const routine = goaway.with({ on: 'first', graceMs })(waitForChild, 'second', 'child')
  t.equal(await signs.waitFor('child'), 'second')
  routine.cancel()
  t.equal((await failureOf(routine)).code, 'ERR_GOAWAY_CANCELLED')
  t.equal(await signs.waitFor('child aborted', { timeoutMs: 60_000 }), true)
})

t.test(
  'a child at another node is stopped when the thread of who started it is gone',
  async (t) => {
    const routine = goaway.with({ on: 'first', graceMs: 0 })(leaveChild, 'second', 'left alone')
    t.equal(await signs.waitFor('left alone'), 'second')
    routine.cancel()
    t.equal((await failureOf(routine)).code, 'ERR_GOAWAY_CANCELLED')
    const held = await Lock('left alone').acquire({ timeoutMs: 60_000 })
    held.release()
  },
)

t.test('a slow reader holds up a producer at another node', async (t) => {
  const stream = goaway.with({ on: 'second' })(produce, 'made')
  for (let read = 1; read <= 3 * streamCredit; read++) {
    t.equal((await stream.next()).value, read)
    if (read % streamCredit !== 1) continue
    // It goes as far as it may, and not further, as long as nobody reads.
    const made = await signs.waitFor('made', (value) => (value as number) >= streamCredit)
    t.ok((made as number) <= read + streamCredit, `${made} made when ${read} are read`)
  }
  await stream.return?.(undefined)
  t.equal(await signs.waitFor('made over', { timeoutMs: 60_000 }), true)
  t.same(await goaway.with({ on: 'first' })(readSome, 'second', 'some', 3), [1, 2, 3])
  t.equal(await signs.waitFor('some over', { timeoutMs: 60_000 }), true)
})

t.test('import.meta.url leads to the assets', async (t) => {
  t.match(await goaway.with({ on: 'first' })(readLicense), /^MIT License/)
})

t.test('a module imported by a computed name is sent when it is used', async (t) => {
  const name = ['.', 'late-routines.js'].join('/')
  const late = (await import(name)) as typeof import('./late-routines.ts')
  t.same(await goaway.with({ on: 'second' })(late.lateSquare, 5), [25, 'second'])
  const [value] = await goaway.with({ on: 'first' })(late.lateParent, 6)
  t.equal(value, 36)
})

t.test('a function that is not exported is refused where it is called', async (t) => {
  const hidden = (): number => 1
  const here = await failureOf((async () => goaway(hidden))())
  const there = await goaway.with({ on: 'second' })(callHidden)
  t.match(there, /^ERR_GOAWAY_/)
  t.match(here.code, /^ERR_GOAWAY_/)
})
