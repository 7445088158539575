/** Routines that wait for their code. */
import t from 'tap'
import { recordOf } from '../../lib/client/error-codec.ts'
import { GoawayError } from '../../lib/errors.ts'
import type { Outcome, Report, Task } from '../../lib/executor/contract.ts'
import { defaultTerms } from '../../lib/handles/routine-options.ts'
import { Preparing, type TaskRunner } from '../../lib/hub/preparing.ts'

function rig() {
  const calls: unknown[][] = []
  const settled: [number, string][] = []
  const codeOf = (outcome: Outcome): string =>
    outcome.ok ? 'ok' : (outcome.error.errors[0]?.code ?? '')
  const note =
    (name: string) =>
    (...args: unknown[]): void =>
      void calls.push([name, ...args])
  const inner = {
    submit: (task: Task) => void calls.push(['submit', task.routine]),
    cancel: (routine: number) => void calls.push(['cancel', routine]),
    credit: note('credit'),
    finish: note('finish'),
    mayAct: () => false,
    dispatch() {},
    close: async () => {},
  } as unknown as TaskRunner
  const report = {
    settled: (routine: number, outcome: Outcome) => void settled.push([routine, codeOf(outcome)]),
  } as unknown as Report
  const preparing = new Preparing(inner, report, () => {})
  const task = (routine: number, on = ''): Task =>
    ({ routine, owner: 0, address: {}, payload: null, terms: { ...defaultTerms, on } }) as never
  return { calls, settled, preparing, task }
}

function later(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

const reason = recordOf(new GoawayError('ERR_GOAWAY_CANCELLED', 'no'))

t.test('A routine waits for its code, with the credit that it was given', async (t) => {
  const { calls, settled, preparing, task } = rig()
  const { promise, resolve } = later()
  preparing.prepare = () => promise
  preparing.submit(task(1))
  preparing.submit(task(2, 'local'))
  preparing.credit(1, 16)
  preparing.submit(task(3))
  preparing.cancel(3, reason, 0)
  t.same(calls, [['submit', 2]])
  t.same(settled, [[3, 'ERR_GOAWAY_CANCELLED']])
  t.equal(preparing.mayAct(), true)
  resolve()
  await promise
  t.same(calls.slice(1), [
    ['submit', 1],
    ['credit', 1, 16],
  ])
  t.equal(preparing.mayAct(), false)
})

t.test('What still waits for its code at the end is told so, once', async (t) => {
  const { calls, settled, preparing, task } = rig()
  const { promise, resolve } = later()
  preparing.prepare = () => promise
  preparing.submit(task(1))
  await preparing.close(0)
  t.same(settled, [[1, 'ERR_GOAWAY_SHUTDOWN']])
  resolve()
  await promise
  t.same(calls, [])
  t.equal(settled.length, 1)
})
