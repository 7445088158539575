// Sessions of locks: all interleavings of small worlds, and the steps one by one. The rules:
// docs/protocols/lock.md. The largest world is explored in the proof, which says `--all`.
import process from 'node:process'
import t from 'tap'
import { clockDriftMax, linkGraceMsDefault, sessionMsDefault } from '../../lib/limits.ts'
import { sessionTimes } from '../../lib/protocol/session-times.ts'
import { explore } from './explore.ts'
import { type Mutants, type Scenario, sessionModel } from './session-model.ts'

const statesMax = 100_000
const ofProof: ReadonlySet<string> = new Set(process.argv.includes('--all') ? [] : ['two'])

const scenarios = {
  write: { nodes: 1, locals: 1, horizon: 3, writes: 1, keeps: 1 },
  keep: { nodes: 1, locals: 1, horizon: 4, keeps: 1 },
  kill: { nodes: 1, locals: 1, horizon: 4, kills: 1 },
  again: { nodes: 1, locals: 1, horizon: 3, rounds: 2 },
  two: { nodes: 2, horizon: 2 },
} satisfies Record<string, Scenario>

t.test('sessions: whoever believes to hold a lock holds it (N1 to N4)', async (t) => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (ofProof.has(name)) continue
    const { violation, trace, states, statesAtRest } = explore(sessionModel(scenario), statesMax)
    t.equal(violation, null, name)
    if (violation !== null) t.comment(trace.join(', '))
    t.comment(`${name}: ${states} states, ${statesAtRest} of them at rest`)
    t.ok(statesAtRest > 0)
  }
})

t.test('sessions: planted faults are found', async (t) => {
  const planted: readonly (readonly [keyof typeof scenarios, Mutants, RegExp])[] = [
    ['keep', { node: 'lease counted from receipt' }, /^N1/],
    ['keep', { master: 'no wait for expiry' }, /^N1/],
    ['write', { strict: 'no token check' }, /^S3/],
    ['again', { lock: 'token not raised' }, /^L2/],
  ]
  for (const [name, mutants, expected] of planted) {
    const { violation, trace } = explore(sessionModel({ ...scenarios[name], mutants }), statesMax)
    t.match(violation, expected, `${JSON.stringify(mutants)}: ${trace.join(', ')}`)
  }
})

t.test('sessionTimes() let a node give up its locks before they pass on', async (t) => {
  for (const sessionMs of [100, sessionMsDefault, 60_000]) {
    const { leaseMs, waitMs, keepEveryMs, lateMs } = sessionTimes(sessionMs)
    const leaseByTheSlowest = leaseMs / (1 - clockDriftMax)
    const waitByTheFastest = waitMs / (1 + clockDriftMax)
    t.ok(leaseByTheSlowest <= waitByTheFastest + 1e-9)
    t.ok(keepEveryMs + lateMs < leaseMs / 2)
  }
  const { leaseMs, keepEveryMs } = sessionTimes(sessionMsDefault)
  t.ok(leaseMs - keepEveryMs > linkGraceMsDefault * 1.5, 'links may break as long as they may')
})
