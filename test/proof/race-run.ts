/** Litmus tests of stores on real threads or processes: what has to hold, and what was seen. */
import type { Test } from 'tap'
import { patience } from '../cluster/local-cluster.ts'
import { Stage } from '../cluster/stage.ts'
import type { LitmusPlan } from '../programs/litmus.ts'
import { jsonLines } from '../run-program.ts'
import { litmusShapes } from '../sim/litmus-shapes.ts'
import { litmusSubjects } from '../sim/litmus-subjects.ts'
import type { RaceResult } from './race.ts'

export type Transport = RaceResult['transport']

/** Nodes that nobody takes for lost, however busy the machine is. */
const cluster = { nodes: 3, launch: 'local', threads: 1, ...patience } as const

export interface RaceRun extends Pick<LitmusPlan, 'style' | 'rounds' | 'seed'> {
  readonly subjects: readonly string[]
  readonly transport: Transport
  /** Without it, all rounds have to be there. */
  readonly mostMs?: number
  readonly limitMs: number
  readonly tell?: (line: string) => void
}

/** Outcomes that are forbidden are never seen; how often the others were is told. */
export async function raceStores(t: Test, run: RaceRun): Promise<readonly RaceResult[]> {
  const { subjects, transport, style, rounds, seed, limitMs, mostMs } = run
  const stage = new Stage(t)
  const plan: LitmusPlan = {
    ...{ subjects, style, rounds, seed, mostMs: mostMs ?? limitMs },
    cluster: transport === 'threads' ? undefined : cluster,
  }
  const program = stage.program('litmus', plan, { limitMs })
  const { tell } = run
  if (tell !== undefined) {
    void program.follow('{"what":"race"', (line) => tell(describe(JSON.parse(line))))
  }
  const { code, stdout, stderr, timedOut } = await program.ended
  t.equal(timedOut, false, 'nothing hangs')
  t.equal(code, 0, `seed ${seed}: ${stderr}`)
  const lines = jsonLines(stdout)
  const results = lines.filter(({ what }) => what === 'race') as RaceResult[]
  t.strictSame(
    lines.filter(({ what }) => what !== 'race'),
    [],
    'nothing fails',
  )
  t.equal(results.length, subjects.length * litmusShapes.length, 'all tests were run')
  for (const result of results) {
    const { subject, shape, seen } = result
    const letters = litmusSubjects.find(({ name }) => name === subject)?.expected
    t.ok(letters?.get(shape) === 'A' || seen === 0, describe(result))
    if (mostMs === undefined) t.ok(result.rounds >= rounds, 'so many rounds raced')
  }
  t.strictSame(await stage.end(), [], 'no process is left')
  return results
}

function describe({ subject, shape, rounds, seen, outcomes, missed }: RaceResult): string {
  const all = Object.entries(outcomes).sort(([, one], [, other]) => other - one)
  const list = all.map(([outcome, count]) => `${outcome}: ${count}`).join('; ')
  const races = `${seen} of ${rounds} rounds (${missed} were no race)`
  return `${subject}, ${shape}: seen in ${races}: ${list}`
}

/** As markdown: how often each outcome was seen, of how many rounds. */
export function raceTable(results: readonly RaceResult[]): string {
  const subjects = [...new Set(results.map(({ subject }) => subject))]
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const cell = (subject: string, shape: string): string => {
    const own = results.filter((one) => one.subject === subject && one.shape === shape)
    return (['threads', 'processes'] as const)
      .map((transport) => {
        const there = own.filter((one) => one.transport === transport)
        const total = there.reduce((sum, { seen }) => sum + seen, 0)
        return there.length === 0 ? '' : String(total)
      })
      .join(' / ')
  }
  const rows = litmusShapes.map(({ name }) =>
    row([name, ...subjects.map((subject) => cell(subject, name))]),
  )
  return [row(['', ...subjects]), row(['---', ...subjects.map(() => '---')]), ...rows].join('\n')
}
