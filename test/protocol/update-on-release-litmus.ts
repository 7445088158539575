/**
 * The shapes of litmus tests as scripts: what several threads write and read, one at each replica.
 * Written and read is either a field in a section of its own, or a field in a section to write and
 * the replica to read.
 */
import { explore } from './explore.ts'
import { updateOnReleaseModel } from './update-on-release-model.ts'
import type { Instruction, Scenario, Script } from './update-on-release-world.ts'

/** `w x 1`, `r x`; `after 1`: when thread 1 has done its first access. */
type Access = readonly ['w', place: string, value: number] | readonly ['r', place: string] | After
type After = readonly ['after', thread: number]

export interface Shape {
  readonly threads: readonly (readonly Access[])[]
  /** What the threads read, in a row. */
  readonly forbidden: readonly string[]
  /** One memory forbids it by the order of time alone: allowed where reads are not locked. */
  readonly isStale?: boolean
}

export const shapes: Readonly<Record<string, Shape>> = {
  RYW: {
    threads: [
      [
        ['w', 'x', 1],
        ['r', 'x'],
      ],
    ],
    forbidden: ['0'],
  },
  CoRR: {
    threads: [
      [
        ['w', 'x', 1],
        ['w', 'x', 2],
      ],
      [
        ['r', 'x'],
        ['r', 'x'],
      ],
    ],
    forbidden: ['21', '10', '20'],
  },
  MP: {
    threads: [
      [
        ['w', 'x', 1],
        ['w', 'y', 1],
      ],
      [
        ['r', 'y'],
        ['r', 'x'],
      ],
    ],
    forbidden: ['10'],
  },
  SB: {
    threads: [
      [
        ['w', 'x', 1],
        ['r', 'y'],
      ],
      [
        ['w', 'y', 1],
        ['r', 'x'],
      ],
    ],
    forbidden: ['00'],
  },
  WRC: {
    threads: [
      [['w', 'x', 1]],
      [
        ['r', 'x'],
        ['w', 'y', 1],
      ],
      [
        ['r', 'y'],
        ['r', 'x'],
      ],
    ],
    forbidden: ['110'],
  },
  IRIW: {
    threads: [
      [['w', 'x', 1]],
      [['w', 'y', 1]],
      [
        ['r', 'x'],
        ['r', 'y'],
      ],
      [
        ['r', 'y'],
        ['r', 'x'],
      ],
    ],
    forbidden: ['1010'],
  },
  CoIRIW: {
    threads: [
      [['w', 'x', 1]],
      [['w', 'x', 2]],
      [
        ['r', 'x'],
        ['r', 'x'],
      ],
      [
        ['r', 'x'],
        ['r', 'x'],
      ],
    ],
    forbidden: ['1221', '2112'],
  },
  NOI: {
    threads: [
      [['w', 'x', 1]],
      [['r', 'x']],
      [
        ['after', 1],
        ['r', 'x'],
      ],
    ],
    forbidden: ['10'],
    isStale: true,
  },
}

/**
 * @param first place of the first thread; the others follow, round the master's place 1 again
 * @param apart whether x and y are fields of two objects
 */
function litmusScenario(
  shape: Shape,
  isLocked: boolean,
  apart: boolean,
  first: number,
  seen: Set<string>,
): Scenario {
  const count = Math.max(shape.threads.length, 2)
  const scripts = shape.threads.map((accesses, index): Script => {
    const steps = accesses.flatMap((access) => instructions(access, isLocked, apart))
    return { place: (first + index) % count, steps }
  })
  const places = Array.from({ length: count }, (_, place) => place)
  return {
    scripts,
    places,
    outcome: (reads) => {
      const row = reads.flat().map((value) => Number(value ?? 0))
      seen.add(row.join(''))
    },
  }
}

function instructions(access: Access, isLocked: boolean, apart: boolean): readonly Instruction[] {
  // A read of a locked section is its second step.
  if (access[0] === 'after') return [['after', access[1], isLocked ? 2 : 1]]
  const object = apart ? access[1] : 'o'
  if (access[0] === 'w') {
    return [
      ['acquire', object],
      ['release', { [access[1]]: access[2] }],
    ]
  }
  const read = ['read', object, access[1]] as const
  return isLocked ? [['acquire', object], read, ['tell', {}]] : [read]
}

/**
 * What the threads may read if they take turns at one memory.
 *
 * @param inTime whether a thread that comes after another does so there too
 */
export function outcomesOfOneMemory({ threads }: Shape, inTime: boolean): Set<string> {
  const found = new Set<string>()
  const go = (at: readonly number[], memory: Readonly<Record<string, number>>, reads: string[]) => {
    let isDone = true
    for (const [index, accesses] of threads.entries()) {
      const access = accesses[at[index] ?? 0]
      if (access === undefined) continue
      isDone = false
      if (access[0] === 'after' && inTime && (at[access[1]] ?? 0) === 0) continue
      const next = at.with(index, (at[index] ?? 0) + 1)
      if (access[0] === 'w') go(next, { ...memory, [access[1]]: access[2] }, reads)
      else if (access[0] === 'after') go(next, memory, reads)
      else go(next, memory, reads.with(index, `${reads[index]}${memory[access[1]] ?? 0}`))
    }
    if (isDone) found.add(reads.join(''))
  }
  go(
    threads.map(() => 0),
    {},
    threads.map(() => ''),
  )
  return found
}

/** All that the threads read, over every interleaving. */
export function exploreLitmus(
  shape: Shape,
  isLocked: boolean,
  apart: boolean,
  first: number,
): { readonly seen: readonly string[]; readonly states: number } {
  const seen = new Set<string>()
  const scenario = litmusScenario(shape, isLocked, apart, first, seen)
  const found = explore(updateOnReleaseModel(scenario), 1_000_000)
  if (found.violation !== null) throw new Error(`${found.violation}: ${found.trace.join(', ')}`)
  return { seen: [...seen].sort(), states: found.states }
}
