/** The five classics in small: routines and bare threads find what one thread finds. */
import process from 'node:process'
import { init, shutdown } from 'goaway'
import t from 'tap'
import { classics } from '../../bench/classics/all.ts'
import { BareWorkers } from '../../bench/classics/bare.ts'
import { localCluster } from '../cluster/local-cluster.ts'

const inputs = new Map<string, unknown>()
const expected = new Map<string, unknown>()
for (const [name, classic] of Object.entries(classics)) {
  const input = classic.prepare(classic.sizes.tiny)
  inputs.set(name, input)
  expected.set(name, classic.alone(input))
}

t.test('On threads all find what one thread finds', async (t) => {
  await init({ threads: 2 })
  t.teardown(() => shutdown({ graceMs: 0 }))
  for (const [name, classic] of Object.entries(classics)) {
    for (const workers of [1, 2, 3]) {
      const found = await classic.together(inputs.get(name), workers)
      t.doesNotThrow(() => classic.check(found, expected.get(name)), `${name}, ${workers}`)
    }
  }
})

t.test('On nodes, too', async (t) => {
  Object.assign(process.env, localCluster(t, {}).env, { GOAWAY_CLUSTER: '' })
  const nodes = [{ threads: 1 }, { threads: 1 }]
  await init({ launch: 'local', nodes, threads: 0, nodeTimeoutMs: 60_000, linkGraceMs: 20_000 })
  t.teardown(() => shutdown({ graceMs: 0 }))
  for (const [name, classic] of Object.entries(classics)) {
    const found = await classic.together(inputs.get(name), 2)
    t.doesNotThrow(() => classic.check(found, expected.get(name)), name)
  }
})

t.test('Bare threads, too', async (t) => {
  const workers = new BareWorkers(2)
  t.teardown(() => workers.end())
  for (const [name, classic] of Object.entries(classics)) {
    const found = await classic.bare(inputs.get(name), workers)
    t.doesNotThrow(() => classic.check(found, expected.get(name)), name)
  }
})

t.test('What is wrong is not accepted', async (t) => {
  for (const [name, classic] of Object.entries(classics)) {
    const other = classic.alone(classic.prepare(2 * classic.sizes.tiny))
    t.throws(() => classic.check(other, expected.get(name)), /Cannot accept/, name)
  }
})
