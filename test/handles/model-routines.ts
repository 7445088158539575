/** The example of the design with each model, for routines that tests start. */
import {
  LinFastRead as AsyncFast,
  UpdateOnRelease as AsyncRelease,
  Weak as AsyncWeak,
} from 'goaway'
import { LinFastRead, Lock, StrictCentralized, UpdateOnRelease, Weak } from 'goaway/sync'

const lock = Lock('models')
export const strict = StrictCentralized('models', { counter: 0 })
export const fast = LinFastRead('models', { counter: 0 })
export const weak = Weak('models', { counter: 0 })
export const released = UpdateOnRelease('models', { counter: 0 })

export function increaseStrict(value: number): void {
  lock.with(() => {
    strict.counter += value
  })
}

export function increaseFast(value: number): void {
  lock.with(() => {
    fast.counter += value
  })
}

/** Of a number that all count up, the sum is what matters. */
export function increaseWeak(value: number): void {
  weak.add('counter', value)
}

export function increaseReleased(value: number): void {
  released.with(() => {
    released.counter += value
  })
}

export async function increaseAll(value: number): Promise<void> {
  await AsyncFast<{ counter: number }>('models').add('counter', value)
  await AsyncWeak<{ counter: number }>('models').add('counter', value)
  const own = AsyncRelease<{ counter: number }>('models')
  await own.with(() => own.update('counter', (counter) => counter + value))
}
