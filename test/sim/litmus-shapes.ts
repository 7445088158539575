/**
 * Litmus tests: small programs, each with an outcome that some memories allow and others do not.
 * The literature knows them by these names.
 */

/** Reads name the value that the outcome needs; all fields begin with 0. */
export type LitmusStep =
  | readonly ['write', variable: string, value: number]
  | readonly ['read', variable: string, expected: number]
  /** Until all nodes have what was just written, where that is not so by itself. */
  | readonly ['sync']

export interface LitmusShape {
  readonly name: string
  /** What each process does; each is at a node of its own. */
  readonly programs: readonly (readonly LitmusStep[])[]
  /** The last process begins when the one before it has ended. */
  readonly lastIsLater?: true
}

const [x1, x2, y1]: readonly LitmusStep[] = [
  ['write', 'x', 1],
  ['write', 'x', 2],
  ['write', 'y', 1],
] as const
const read = (variable: string, expected: number): LitmusStep => ['read', variable, expected]
const sync: LitmusStep = ['sync']

function shape(name: string, ...programs: (readonly (LitmusStep | undefined)[])[]): LitmusShape {
  return { name, programs: programs as LitmusStep[][] }
}

export const litmusShapes: readonly LitmusShape[] = [
  shape('CoRR', [x1, x2], [read('x', 2), read('x', 1)]),
  shape('MP', [x1, y1], [read('y', 1), read('x', 0)]),
  shape('SB', [x1, read('y', 0)], [y1, read('x', 0)]),
  shape('SB+s', [x1, sync, read('y', 0)], [y1, sync, read('x', 0)]),
  shape('WRC', [x1], [read('x', 1), y1], [read('y', 1), read('x', 0)]),
  shape('WRC+s', [x1], [read('x', 1), y1, sync], [read('y', 1), read('x', 0)]),
  shape('IRIW', [x1], [y1], [read('x', 1), read('y', 0)], [read('y', 1), read('x', 0)]),
  shape('CoIRIW', [x1], [x2], [read('x', 1), read('x', 2)], [read('x', 2), read('x', 1)]),
  { ...shape('NOI', [x1], [read('x', 1)], [read('x', 0)]), lastIsLater: true },
  shape('RYW', [x1, read('x', 0)]),
]

/** Whether each outcome is allowed: A or F, as in the table of the stores. */
export function expectations(letters: string): ReadonlyMap<string, 'A' | 'F'> {
  return new Map(litmusShapes.map(({ name }, at) => [name, letters[at] === 'A' ? 'A' : 'F']))
}

export interface FoundOutcome {
  readonly subject: string
  readonly shape: string
  /** How often. */
  readonly seen: number
}

/** As markdown: A, where the outcome was seen, and F, where it was not. */
export function tableOf(subjects: readonly string[], found: readonly FoundOutcome[]): string {
  const row = (name: string, letters: readonly string[]): string =>
    `| ${name} | ${letters.join(' | ')} |`
  const letterOf = (subject: string, shape: string): string =>
    found.some((one) => one.subject === subject && one.shape === shape && one.seen > 0) ? 'A' : 'F'
  const rows = litmusShapes.map(({ name }) =>
    row(
      name,
      subjects.map((subject) => letterOf(subject, name)),
    ),
  )
  const line = subjects.map(() => '---')
  return [row('', subjects), row('---', line), ...rows].join('\n')
}
