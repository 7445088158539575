/**
 * Every litmus shape of the matrix of models, as a history: F has to be illegal, A has to be ok.
 * The columns are linearizability, sequential consistency, causal convergence, and the promise of
 * `Weak`.
 */
import t from 'tap'
import { check, type ModelName } from '../../lib/check.ts'
import type { HistoryOperation } from '../../lib/history/format.ts'
import { isCausal, isFifo, isLinearizable, isSequential } from './brute-force.ts'
import { operation, show } from './histories.ts'

/** Processes, each with its operations: `x=1` writes, `x:1` reads. */
type Shape = readonly string[]

interface Litmus {
  readonly shape: Shape
  /** linearizable, sequential, causal, fifo: A or F. */
  readonly verdicts: string
}

const matrix: Readonly<Record<string, Litmus>> = {
  CoRR: { shape: ['x=1 x=2', 'x:2 x:1'], verdicts: 'FFFF' },
  MP: { shape: ['x=1 y=1', 'y:1 x:0'], verdicts: 'FFFF' },
  SB: { shape: ['x=1 y:0', 'y=1 x:0'], verdicts: 'FFAA' },
  WRC: { shape: ['x=1', 'x:1 y=1', 'y:1 x:0'], verdicts: 'FFFA' },
  IRIW: { shape: ['x=1', 'y=1', 'x:1 y:0', 'y:1 x:0'], verdicts: 'FFAA' },
  CoIRIW: { shape: ['x=1', 'x=2', 'x:1 x:2', 'x:2 x:1'], verdicts: 'FFFF' },
  NOI: { shape: ['x=1', 'x:1', '- x:0'], verdicts: 'FAAA' },
  RYW: { shape: ['x=1 x:0'], verdicts: 'FFFF' },
}

const models: readonly ModelName[] = ['linearizable', 'sequential', 'causal', 'fifo']
const definitions = [isLinearizable, isSequential, isCausal, isFifo]

/**
 * The nth operations of all processes overlap; so do all writes of a process that does nothing else
 * with whatever the others do.
 */
function historyOf(shape: Shape): HistoryOperation[] {
  const steps = shape.flatMap((process, client) =>
    process.split(' ').map((text, place) => ({ text, client, place })),
  )
  const acts = steps.flatMap(({ text, client, place }) => {
    const [, name, sign, value] = /^(\w)([=:])(\d)$/.exec(text) ?? []
    if (name === undefined) return []
    const isAlone = shape[client]?.length === 3
    const start = 100 * place + client + 10
    const end = isAlone && sign === '=' ? 900 + client : start + 50
    const given = { client, key: `s.${name}`, start, end }
    if (sign === '=') return [operation({ ...given, op: 'write', arg: Number(value) })]
    return [operation({ ...given, op: 'read', out: Number(value) })]
  })
  const keys = new Set(acts.map(({ key }) => key))
  return [...[...keys].map((key) => operation({ op: 'init', key, arg: 0 })), ...acts]
}

for (const [name, { shape, verdicts }] of Object.entries(matrix)) {
  t.test(`check() gives ${name} the verdicts of the matrix`, async (t) => {
    const history = historyOf(shape)
    for (const [index, model] of models.entries()) {
      const expected = verdicts[index] === 'A' ? 'ok' : 'illegal'
      t.equal(check(history, { model }).verdict, expected, `${model} of\n${show(history)}`)
    }
    // The definitions of the tests have no initial values: there, 0 is absent.
    const bare = history
      .filter(({ op }) => op !== 'init')
      .map((each) => (each.out === 0 ? { ...each, out: null } : each))
    for (const [index, isLegal] of definitions.entries()) {
      t.equal(isLegal(bare), verdicts[index] === 'A', `by definition of ${models[index]}`)
    }
  })
}
