/** Programs that a user might write. The first stands in the README, word for word. */

export const paperProgram = `import { goaway, isSpawner } from 'goaway'
import { Lock, StrictCentralized } from 'goaway/sync'

const lock = Lock('lock')
const s = StrictCentralized('s', { counter: 0 })

export function increase(value: number) {
  using held = lock.acquire()
  s.counter += value
}

if (isSpawner) {
  await Promise.all(Array.from({ length: 20 }, () => goaway(increase, 1)))
  console.log(s.counter) // 20
}
`

export const usingProgram = paperProgram.replace(': number', '')

export const lockProgram = usingProgram.replace(
  /using held.*\n.*\n/,
  'lock.with(() => {\n    s.counter += value\n  })\n',
)

export const cjsProgram = `const { goaway, isSpawner } = require('goaway')
const { Lock, StrictCentralized } = require('goaway/sync')

const lock = Lock('lock')
const s = StrictCentralized('s', { counter: 0 })

exports.increase = function increase(value) {
  lock.with(() => {
    s.counter += value
  })
}

if (isSpawner) {
  const routines = Array.from({ length: 20 }, () => goaway(exports.increase, 1))
  Promise.all(routines).then(() => console.log(s.counter))
}
`

/** Compiled only: what the types promise, and what they have to refuse. */
export const typesProgram = `
import { type AsyncObject, goaway, type Routine, StrictCentralized } from 'goaway'
import { StrictCentralized as Blocking } from 'goaway/sync'

export async function length(text: string): Promise<number> {
  return text.length
}

const routine: Routine<number> = goaway(length, 'text')
// @ts-expect-error: the argument has another type
goaway(length, 5)
// @ts-expect-error: the result is a number
const wrong: Promise<string> = goaway(length, 'text')
const s: AsyncObject<{ x: number }> = StrictCentralized('s', { x: 1 })
const x: number = await s.get('x')
// @ts-expect-error: there is no such field
await s.get('y')
// @ts-expect-error: a field cannot be named like a method
Blocking('b', { get: 1 })
const b = Blocking('b', { y: 'text' })
const y: string = b.y
console.log(await routine, wrong, x, y)
`
