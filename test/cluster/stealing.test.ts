/**
 * Work that finds idle hands, over real processes: what keeps a thread busy ends only when all that
 * waited behind it is over, so that it would wait for ever if it did not move.
 */
import process from 'node:process'
import { goaway, init, shutdown } from 'goaway'
import t from 'tap'
import { localCluster, patience } from './local-cluster.ts'
import { countRun, mapFromHere, runs, signs, spinUntil, startAndSpin } from './stealing-routines.ts'

Object.assign(process.env, localCluster(t, {}).env, { GOAWAY_CLUSTER: '' })
await init({
  launch: 'local',
  ...patience,
  nodes: [
    { name: 'first', threads: 1 },
    { name: 'second', threads: 1 },
    { name: 'third', threads: 1 },
  ],
  threads: 0,
})
t.teardown(() => shutdown({ graceMs: 0 }))

const begun = (name: string) => signs.waitFor(name, (is) => is)
const ran = (name: string) => runs.waitFor(name, (count) => count === 1)

t.test('Short routines behind a long one end before it, at other nodes', async (t) => {
  const at = (on: string) => goaway.with({ on })(spinUntil, `free ${on}`, `busy ${on}`)
  const nodes = ['first', 'second', 'third']
  const busy = nodes.map(at)
  await Promise.all(nodes.map((on) => begun(`busy ${on}`)))
  // More than they take in advance: some wait at each of them, the rest here.
  const short = Array.from({ length: 30 }, (_, index) => goaway(countRun, `short ${index}`))
  await signs.set('free second', true)
  await signs.set('free third', true)
  const ranAt = await Promise.all(short)
  t.equal(busy[0]?.status, 'running', 'the long one goes on')
  t.ok(
    ranAt.every((node) => node !== 'first'),
    `${ranAt}`,
  )
  await signs.set('free first', true)
  t.same(await Promise.all(busy), nodes)
  const counts = await Promise.all(short.map((_, index) => runs.get(`short ${index}`)))
  t.same(counts, Array(30).fill(1), 'each ran once')
})

t.test('Routines that a routine starts move away from behind it', async (t) => {
  const others = ['second', 'third'].map((on) =>
    goaway.with({ on })(spinUntil, 'free others', `held ${on}`),
  )
  await Promise.all(['second', 'third'].map((on) => begun(`held ${on}`)))
  const parent = goaway.with({ on: 'first' })(startAndSpin, 'free parent', 'parent', 20)
  await begun('parent')
  await signs.set('free others', true)
  for (let at = 0; at < 20; at++) await ran(`child ${at}`)
  await signs.set('free parent', true)
  const ranAt = await parent
  t.ok(
    ranAt.every((node) => node === 'second' || node === 'third'),
    `${ranAt}`,
  )
  await Promise.all(others)
})

t.test('A map in a routine starts what lags a second time at another node', async (t) => {
  const nodes = await goaway.with({ on: 'first' })(mapFromHere)
  t.equal(nodes.length, 7)
  t.equal(await runs.get('hung'), 2)
})
