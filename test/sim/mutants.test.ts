/** Faults that are planted in the hub are found by seed: else the simulator would prove nothing. */
import t, { type Test } from 'tap'
import { check } from '../../lib/check.ts'
import { Master } from '../../lib/hub/master.ts'
import { Router } from '../../lib/hub/router.ts'
import { SimulationError, simulate } from '../../lib/testing.ts'
import type { Operation } from '../../lib/wire/messages.ts'
import { work } from './workload.ts'

const faults = { forMs: 3_000, crashes: 5, lengthMs: [50, 4_000] } as const
const seedsMax = 40

/** Looks for a seed that fails, and says with what. */
async function findFailure(): Promise<SimulationError | undefined> {
  try {
    await simulate({ seed: 1, seeds: seedsMax, faults }, async (world) => {
      await work(4, 12)
      const { verdict, parts } = check(world.history)
      if (verdict !== 'ok') {
        const wrong = parts.filter((part) => part.verdict !== 'ok').map(({ name }) => name)
        throw new Error(`not linearizable: ${wrong.join(', ')}`)
      }
    })
    return undefined
  } catch (error) {
    if (error instanceof SimulationError) return error
    throw error
  }
}

async function findPlanted<T extends object, K extends keyof T>(
  t: Test,
  prototype: T,
  name: K,
  planted: (original: T[K]) => T[K],
  expected: RegExp,
): Promise<void> {
  const original = prototype[name]
  prototype[name] = planted(original)
  try {
    const failure = await findFailure()
    t.match(failure?.message, expected)
    t.comment(failure?.message)
  } finally {
    prototype[name] = original
  }
}

t.test('A master that keeps the locks of clients that are gone', (t) =>
  findPlanted(t, Master.prototype, 'clientLost', () => () => {}, /acquire\('l'\)/),
)

t.test('A router that takes another node than the others do', (t) =>
  findPlanted(
    t,
    Router.prototype,
    'indexOf',
    (original) =>
      function (this: Router, name: string) {
        const index = original.call(this, name)
        // Now and then it believes that the second node serves the object.
        return Math.random() < 0.02 ? index + 1 : index
      },
    /not linearizable/,
  ),
)

t.test('A master that forgets a write', (t) =>
  findPlanted(
    t,
    Master.prototype,
    'request',
    (original) =>
      function (this: Master, request) {
        const { operation } = request
        // A write that is answered and not made.
        const isLost = operation[0] === 'set' && operation[2] === 'locked'
        const lost: Operation = ['get', `${operation[1]}`, 'locked', 0]
        original.call(this, isLost ? { ...request, operation: lost } : request)
      },
    /not linearizable/,
  ),
)
