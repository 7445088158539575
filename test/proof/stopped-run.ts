/** Nodes that stand still past their lease: what has to hold for what their threads read then. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Stage } from '../cluster/stage.ts'
import type { StoppedPlan, StoppedTry } from '../programs/stopped-reader.ts'
import { jsonLines } from '../run-program.ts'

/** Short stops are many. A node that is lost because the machine was busy comes back. */
const times = { nodeTimeoutMs: 800, linkGraceMs: 400 }
const victims = ['node-2', 'node-3']

export interface StoppedRun extends Pick<StoppedPlan, 'tries' | 'stopsMax' | 'seed'> {
  readonly limitMs: number
}

export async function stopReaders(
  t: Test,
  { tries, stopsMax, seed, limitMs }: StoppedRun,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'goaway-stopped-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const stage = new Stage(t)
  const names = ['node-1', ...victims]
  const nodes = await Promise.all(names.map((name) => stage.node(name, { limitMs })))
  const plan: StoppedPlan = {
    cluster: {
      nodes: nodes.map(({ host, port, name }) => ({ host, port, name, threads: 2 })),
      ...{ launch: 'none', threads: 1 },
      ...times,
    },
    ...{ tries, stopsMax, seed, folder, victims, readers: 2 },
  }
  const program = stage.program('stopped-reader', plan, { limitMs })
  const { code, stdout, stderr, timedOut } = await program.ended
  t.equal(timedOut, false, 'nothing hangs')
  t.equal(code, 0, `seed ${seed}: ${stderr}${stdout.slice(-2_000)}`)
  const all = jsonLines(stdout).filter(({ what }) => what === 'try') as StoppedTry[]
  const held = all.filter(({ threads }) => threads > 0)
  const sum = (of: (one: StoppedTry) => number): number =>
    all.reduce((total, one) => total + of(one), 0)
  t.ok(held.length >= tries || all.length >= stopsMax, 'so many stops')
  t.equal(
    sum(({ stale }) => stale),
    0,
    'nobody reads what was overwritten',
  )
  const threads = sum((one) => one.threads)
  const [reads, fresh] = [sum((one) => one.reads), sum((one) => one.fresh)]
  const stoodMs = Math.round(sum((one) => one.stoodMs) / all.length)
  t.comment(
    `${all.length} stops of some ${stoodMs} ms, ${held.length} with reads after them: ` +
      `${threads} threads read ${reads} times, ${fresh} the new value, the others were refused`,
  )
  t.strictSame(await stage.end(), [], 'no process is left')
}
