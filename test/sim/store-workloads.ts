/** All stores under faults, and the same with a fault planted in their machines. */
import type { ReplicaMachine } from '../../lib/hub/replicas.ts'
import { linFastRead } from '../../lib/protocol/lin-fast-read.ts'
import { updateOnRelease } from '../../lib/protocol/update-on-release.ts'
import { weak, weakCausal } from '../../lib/protocol/weak.ts'
import { registerWorkload } from './register-workload.ts'
import { releaseWorkload } from './release-workload.ts'
import { type RunOptions, StoreRun, type Workload } from './store-run.ts'
import { weakWorkload } from './weak-workload.ts'

/** By the name of the store; each run has one of its own. */
export const workloads: Readonly<Record<string, () => Workload>> = {
  strict: () => registerWorkload('strict'),
  'lin-fast-read': () => registerWorkload('lin-fast-read'),
  weak: () => weakWorkload('weak'),
  'weak-causal': () => weakWorkload('weak-causal'),
  'update-on-release': () => releaseWorkload(),
}

/** Long enough for a node to be lost and to come back. */
export const faultMs = 4_000
export const clientsPerProcess = 2

/** What is wrong with that seed; an empty list: nothing. */
export async function problemsOf(
  workload: Workload,
  seed: number,
  rest: Partial<RunOptions> = {},
): Promise<readonly string[]> {
  const run = new StoreRun(workload, { seed, faultMs, clients: clientsPerProcess, ...rest })
  await run.run()
  return run.problems
}

/** The machine of that store with that mutant. */
export function withMutant(store: string, mutant: string): Workload {
  switch (store) {
    case 'lin-fast-read':
      return registerWorkload(store, { [store]: mutated(linFastRead as ReplicaMachine, mutant) })
    case 'weak':
      return weakWorkload(store, { [store]: mutated(weak as ReplicaMachine, mutant) })
    case 'weak-causal':
      return weakWorkload(store, { [store]: mutated(weakCausal as ReplicaMachine, mutant) })
    default:
      return releaseWorkload({
        'update-on-release': mutated(updateOnRelease as ReplicaMachine, mutant),
      })
  }
}

function mutated(machine: ReplicaMachine, mutant: string): ReplicaMachine {
  const initial: ReplicaMachine['initial'] = (parameters) => {
    const withIt: typeof parameters = { ...parameters, ...{ mutant } }
    return machine.initial(withIt)
  }
  return { initial, step: machine.step }
}

type Input = Parameters<ReplicaMachine['step']>[1]
type MessageInput = Extract<Input, { type: 'message' }>

/**
 * Weak over links that mix up updates, which a machine that looks at their order puts right: every
 * third update comes after the next one.
 */
export function mixedUp(mutant: string | undefined): Workload {
  const inner =
    mutant === undefined ? (weak as ReplicaMachine) : mutated(weak as ReplicaMachine, mutant)
  interface Mixing {
    readonly state: unknown
    readonly held: Map<number, MessageInput>
    count: number
  }
  return weakWorkload('weak', {
    weak: {
      initial: (parameters): Mixing => ({
        state: inner.initial(parameters),
        held: new Map(),
        count: 0,
      }),
      step(mixing, input) {
        const { state, held } = mixing as Mixing
        if (input.type !== 'message') return inner.step(state, input)
        const isUpdate = input.message[0] === 'update'
        const before = held.get(input.from)
        held.delete(input.from)
        if (before !== undefined) {
          const both = isUpdate ? [input, before] : [before, input]
          return both.flatMap((one) => inner.step(state, { ...one, mayServe: input.mayServe }))
        }
        if (!isUpdate || ++(mixing as Mixing).count % 3 > 0) return inner.step(state, input)
        held.set(input.from, input)
        return []
      },
    },
  })
}
