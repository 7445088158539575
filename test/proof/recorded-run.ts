/** Recorded runs of one store: what has to hold for their histories. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { check, draw } from 'goaway/check'
import type { Test } from 'tap'
import { readHistory } from '../../lib/history/history-file.ts'
import { patience } from '../cluster/local-cluster.ts'
import { Stage } from '../cluster/stage.ts'
import type { RecordedPlan } from '../programs/recorded-stores.ts'
import type { RaceResult } from './race.ts'

const cluster = { nodes: 3, launch: 'local', threads: 1, ...patience } as const

export interface RecordedRun extends Pick<RecordedPlan, 'store' | 'operations' | 'seed'> {
  readonly transport: RaceResult['transport']
  /** kill -9 in the middle: of the one process, or of a node. */
  readonly isKilled: boolean
  readonly limitMs: number
  /** Where histories stay; else they do only if they are wrong. */
  readonly keep?: string | undefined
}

export async function recordStore(t: Test, run: RecordedRun): Promise<void> {
  const { store, transport, isKilled, operations, seed, limitMs, keep } = run
  const folder = mkdtempSync(join(tmpdir(), 'goaway-recorded-'))
  if (keep !== undefined) mkdirSync(keep, { recursive: true })
  const name = `${store}-${transport}${isKilled ? '-killed' : ''}-${seed}.jsonl`
  const file = join(keep ?? folder, name)
  t.teardown(() => {
    if (keep !== undefined || t.passing()) rmSync(folder, { recursive: true, force: true })
    else t.comment(`its history stays: ${file}`)
  })
  const stage = new Stage(t)
  const isLocal = transport === 'threads'
  const plan: RecordedPlan = {
    ...{ store, operations, seed, file },
    cluster: isLocal ? undefined : cluster,
    kills: isKilled ? (isLocal ? 'spawner' : 'node-3') : undefined,
  }
  const program = stage.program('recorded-stores', plan, { limitMs })
  if (isKilled && isLocal) {
    await program.line('middle')
    program.kill('SIGKILL')
  }
  const { code, stdout, stderr, timedOut } = await program.ended
  t.equal(timedOut, false, 'nothing hangs')
  if (!isKilled || !isLocal) t.equal(code, 0, `seed ${seed}: ${stderr}${stdout.slice(-2_000)}`)
  t.strictSame(await stage.end(), [], 'no process is left')
  judge(t, run, file)
}

function judge(t: Test, { store, operations, isKilled, limitMs }: RecordedRun, file: string): void {
  const history = readHistory(file)
  const own = history.filter((one) => one.store === store && one.op !== 'init')
  const open = own.filter(({ end }) => end < 0).length
  const began = performance.now()
  const result = check(history, { timeMsMax: limitMs, stepsMax: Infinity })
  const tookMs = Math.round(performance.now() - began)
  t.ok(own.length >= operations / (isKilled ? 2 : 1), `${own.length} operations`)
  t.equal(result.verdict, 'ok', result.verdict === 'illegal' ? draw(result) : '')
  const clients = new Set(own.map(({ client }) => client)).size
  t.comment(
    `${store}: ${own.length} operations of ${clients} clients, ${open} without an answer, ` +
      `${result.parts.length} parts, checked in ${tookMs} ms: ${result.verdict}`,
  )
}
