/** What the types of each model take: compiled with the tests, never run. */
import { LinFastRead, UpdateOnRelease, Weak } from 'goaway'
import * as blocking from 'goaway/sync'

export function ofBlockingModels(): void {
  const fast = blocking.LinFastRead('types', { counter: 0, sync: 1, acquire: 2 })
  fast.counter += fast.sync + fast.acquire
  const swapped: boolean = fast.compareAndSet('counter', 0, 1)
  const weak = blocking.Weak('types', { counter: 0, acquire: 2 }, { order: 'causal' })
  weak.counter += weak.acquire
  weak.sync()
  weak.fence({ timeoutMs: 5 })
  // @ts-expect-error no node knows the latest value
  weak.update('counter', (counter: number) => counter + 1)
  // @ts-expect-error nor whether it is what is expected
  weak.compareAndSet('counter', 0, 1)
  // @ts-expect-error there is no such order
  blocking.Weak('types', { counter: 0 }, { order: 'total' })
  // @ts-expect-error initial values may not be named like its methods
  blocking.Weak('types', { sync: 1 })
  // @ts-expect-error and its methods are no fields
  weak.fence = 1
  const released = blocking.UpdateOnRelease('types', { counter: 0, sync: 1 })
  const held: blocking.SyncHeldObject = released.acquire({ timeoutMs: 5 })
  released.counter += held.token + released.sync
  held.release({ ack: 'all' })
  const result: string = released.with(() => 'result', { ack: 'all' })
  // @ts-expect-error there is no such acknowledgement
  released.release({ ack: 'some' })
  // @ts-expect-error initial values may not be named like its methods
  blocking.UpdateOnRelease('types', { with: 1 })
  void [swapped, result]
}

export async function ofAsynchronousModels(): Promise<void> {
  const fast = LinFastRead('types', { counter: 0 })
  const sum: number = await fast.update('counter', (counter) => counter + 1)
  const weak = Weak('types', { counter: 0 })
  const value: number = await weak.waitFor('counter', (counter) => counter === sum)
  await weak.sync()
  // @ts-expect-error no node knows the latest value
  await weak.update('counter', (counter: number) => counter + 1)
  const released = UpdateOnRelease('types', { counter: 0 })
  await using held = await released.acquire()
  const inside: string = await released.with(async () => 'result')
  // @ts-expect-error a field keeps its type
  await released.set('counter', 'one')
  void [value, held, inside]
}
