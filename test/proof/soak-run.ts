/** A soak: what has to hold when nodes were killed and came back for a while. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { check, draw } from 'goaway/check'
import type { Test } from 'tap'
import { groupBy } from '../../lib/check/group-by.ts'
import { readHistory } from '../../lib/history/history-file.ts'
import { Stage } from '../cluster/stage.ts'
import type { SoakPlan, SoakSample } from '../programs/soak.ts'
import { jsonLines } from '../run-program.ts'

export interface SoakRun
  extends Pick<SoakPlan, 'lastsMs' | 'sliceMs' | 'tellMs' | 'calmMs' | 'seed'> {
  readonly limitMs: number
  /** What memory may grow by in a minute, after the first part of the run; without it: anything. */
  readonly growthBytesMax?: number
  readonly keep?: string | undefined
  readonly tell?: (line: string) => void
}

/** Who is killed is missed at once; who only has no core for a while is missed by nobody. */
const times = { nodeTimeoutMs: 25_000, linkGraceMs: 8_000 }
const names = ['node-1', 'node-2', 'node-3']
/** Heaps grow at first: that part does not count. */
const warmUpShare = 0.3
const mebi = 2 ** 20

export async function soak(t: Test, run: SoakRun): Promise<void> {
  const { lastsMs, sliceMs, tellMs, calmMs, seed, limitMs, keep } = run
  const folder = mkdtempSync(join(tmpdir(), 'goaway-soak-'))
  if (keep !== undefined) mkdirSync(keep, { recursive: true })
  const file = join(keep ?? folder, `soak-${seed}.jsonl`)
  t.teardown(() => {
    if (keep !== undefined || t.passing()) rmSync(folder, { recursive: true, force: true })
    else t.comment(`its history stays: ${file}`)
  })
  t.comment(`seed ${seed}`)
  const stage = new Stage(t)
  const nodes = await Promise.all(names.map((name) => stage.node(name, { limitMs })))
  const plan: SoakPlan = {
    cluster: {
      nodes: nodes.map(({ host, port, name }) => ({ host, port, name, threads: 2 })),
      ...{ launch: 'none', threads: 1 },
      ...times,
    },
    ...{ file, lastsMs, sliceMs, tellMs, calmMs, seed },
    // The first one is master of all objects that have one, and these are lost with it for ever.
    victims: names.slice(1),
  }
  const program = stage.program('soak', plan, { limitMs, execArgv: ['--expose-gc'] })
  const { tell } = run
  if (tell !== undefined) {
    void program.follow('{"what":"sample"', (line) => tell(describe(JSON.parse(line))))
  }
  const { code, stdout, stderr, timedOut } = await program.ended
  t.equal(timedOut, false, 'nothing hangs')
  t.equal(code, 0, `seed ${seed}: ${stderr}${stdout.slice(-2_000)}`)
  t.strictSame(await stage.end(), [], 'no process is left')
  const lines = jsonLines(stdout)
  t.comment(JSON.stringify(lines.find(({ what }) => what === 'soaked')))
  checkMemory(t, lines.filter(({ what }) => what === 'sample') as SoakSample[], run)
  checkSlices(t, file)
}

function describe({ atMs, bytes, heapBytes, routines, kills }: SoakSample): string {
  const used = Object.entries(bytes).map(([name, all]) => `${name} ${inMebi(all)}`)
  return (
    `${Math.round(atMs / 1000)} s: ${routines} routines, ${kills} kills; ` +
    `MiB: ${used.join(', ')}, heap ${inMebi(heapBytes)}`
  )
}

const inMebi = (bytes: number): string => (bytes / mebi).toFixed(1)

/**
 * Of the program and of the node that stays: the others begin anew. What counts is what is left
 * when a heap was collected, and so the least of each half.
 */
function checkMemory(t: Test, samples: readonly SoakSample[], { growthBytesMax }: SoakRun): void {
  if (growthBytesMax === undefined) return
  const steady = samples.slice(Math.floor(samples.length * warmUpShare))
  const rows: [string, number[]][] = [
    ['program', steady.map(({ bytes }) => bytes.program as number)],
    ['heap', steady.map(({ heapBytes }) => heapBytes)],
    ['node-1', steady.map(({ bytes }) => bytes['node-1'] as number)],
  ]
  const minutes = ((steady.at(-1)?.atMs ?? 0) - (steady[0]?.atMs ?? 0)) / 60_000
  for (const [name, bytes] of rows) {
    const half = Math.ceil(bytes.length / 2)
    const [before, after] = [Math.min(...bytes.slice(0, half)), Math.min(...bytes.slice(half))]
    const perMinute = (after - before) / (minutes / 2)
    const text = `${name}: ${inMebi(before)} MiB, later ${inMebi(after)}`
    t.ok(perMinute <= growthBytesMax, `${text}: ${inMebi(perMinute)} more in a minute`)
  }
}

/** All operations on the objects of one part of the time, which no other part has used. */
function checkSlices(t: Test, file: string): void {
  const slices = groupBy(readHistory(file), ({ key }) => /^soak (\d+)/.exec(key)?.[1] ?? '')
  slices.delete('')
  let [operations, open, bad] = [0, 0, 0]
  for (const [slice, history] of slices) {
    const result = check(history, { stepsMax: Number.POSITIVE_INFINITY, timeMsMax: 600_000 })
    operations += history.length
    open += history.filter(({ end }) => end < 0).length
    if (result.verdict === 'ok') continue
    bad++
    t.fail(`slice ${slice}: ${result.verdict}\n${result.verdict === 'illegal' ? draw(result) : ''}`)
  }
  t.ok(slices.size > 0 && operations > 0)
  t.comment(
    `${operations} operations in ${slices.size} slices, ${open} without an answer: ` +
      `${slices.size - bad} slices are ok`,
  )
}
