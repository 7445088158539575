/** What is common to all faults: the plan of the counting program, and what it has to say. */

import type { ClusterOptions } from 'goaway'
import type { Test } from 'tap'
import type { CountingPlan } from '../programs/counting.ts'

export interface Faults {
  readonly seed: number
  readonly increments: number
  /** Increments of one routine. */
  readonly each: number
  /** Number of the node that something happens to. */
  readonly victim: number
}

/**
 * Short for a test, and so long that nobody is lost who is held up for 5 s by a machine that
 * others use too: a message may take 0.29 of the one, and a link may be broken for the other.
 */
export const times = { nodeTimeoutMs: 18_000, linkGraceMs: 8_000, startTimeoutMs: 60_000 }

/** The spawner may be held up as well, and the thread that tells: beside what is promised. */
export const slackMs = 15_000

const everybody = ['node-1', 'node-2', 'node-3', 'spawner']

export function nameOfNode(number: number): string {
  return `node-${number}`
}

/** The fault comes at some point between a tenth and a half of the way. */
export function countingPlan(
  faults: Faults,
  cluster: ClusterOptions,
  until?: CountingPlan['until'],
): CountingPlan {
  const { seed, increments, each, victim } = faults
  const share = 0.1 + 0.4 * ((seed * 0.618) % 1)
  return {
    cluster: { threads: 1, ...cluster },
    increments,
    each,
    tellAt: Math.floor(increments * share),
    victim: nameOfNode(victim),
    heir: nameOfNode(victim === 3 ? 2 : 3),
    until,
  }
}

type Line = Record<string, unknown>

/** The node was lost, alone, and with it no more than what was on it. */
export function checkCount(t: Test, faults: Faults, lines: readonly Line[]): void {
  const said = new Map(lines.map((line) => [line.what as string, line]))
  const victim = nameOfNode(faults.victim)
  const { count, confirmed, failures, byNode } = said.get('counted') as unknown as Counted
  t.comment(`count ${count}, confirmed ${confirmed}, `, byNode, failures)
  t.strictSame(Object.keys(byNode).sort(), everybody, 'all had counted before it happened')
  if (faults.victim === 1) checkMasterLost(t, said, victim)
  else {
    const kind = `ERR_GOAWAY_NODE_LOST true ${victim}`
    const others = Object.keys(failures).filter((one) => one !== kind)
    t.strictSame(others, [], 'what ran there is lost, alone, and says so')
    const attempted = confirmed + (failures[kind] ?? 0) * faults.each
    t.equal(attempted, faults.increments, 'every call settles')
    t.ok(confirmed <= count && count <= attempted, `${confirmed} <= ${count} <= ${attempted}`)
    t.ok(
      (said.get('heir') as { value: number }).value > (said.get('held') as { token: number }).token,
      'the lock that was held there passed on, with a higher token',
    )
    checkAfterwards(t, said)
  }
  t.match(said.get('holder'), { code: 'ERR_GOAWAY_NODE_LOST', maybeExecuted: true, node: victim })
  t.match(said.get('sum'), { value: 5 }, 'the rest goes on')
  const others = ['spawner', 'node-1', 'node-2', 'node-3'].filter((name) => name !== victim)
  t.strictSame(said.get('members')?.names, others)
}

/** All is as if nothing had been. */
export function checkNothingLost(t: Test, { increments }: Faults, lines: readonly Line[]): void {
  const said = new Map(lines.map((line) => [line.what as string, line]))
  const { count, confirmed, failures } = said.get('counted') as unknown as Counted
  t.strictSame(
    { count, confirmed, failures },
    { count: increments, confirmed: count, failures: {} },
  )
  t.notOk(
    [...said.keys()].some((what) => what.startsWith('leave')),
    'nobody left',
  )
  t.strictSame(said.get('members')?.names, ['spawner', 'node-1', 'node-2', 'node-3'])
  t.match(said.get('heir'), { value: Number }, 'the lock passed on when it was free')
  checkAfterwards(t, said)
}

interface Counted {
  readonly count: number
  readonly confirmed: number
  readonly failures: Readonly<Record<string, number>>
  readonly byNode: Readonly<Record<string, number>>
}

export function checkAfterwards(t: Test, said: ReadonlyMap<string, Line>): void {
  for (const name of ['counter', 'never named before']) {
    t.match(said.get(`acquire of ${name}`), { value: 'acquired' })
    t.match(said.get(`get of ${name}`), { value: 'got' })
  }
}

function checkMasterLost(t: Test, said: ReadonlyMap<string, Line>, victim: string): void {
  const { count, failures } = said.get('counted') as unknown as Counted
  t.equal(count, 'ERR_GOAWAY_MASTER_LOST')
  const codes = Object.keys(failures).map((kind) => kind.split(' ')[0])
  const expected = ['ERR_GOAWAY_MASTER_LOST', 'ERR_GOAWAY_NODE_LOST']
  t.ok(
    codes.every((code) => expected.includes(code ?? '')),
    'all say what was lost',
  )
  const lost = { code: 'ERR_GOAWAY_MASTER_LOST', node: victim }
  t.match(said.get('heir'), lost)
  for (const name of ['counter', 'never named before']) {
    t.match(said.get(`acquire of ${name}`), lost)
    t.match(said.get(`get of ${name}`), lost)
  }
}
