/**
 * The ways to call a routine: with arguments, with a default left out, from an imported module,
 * many at a time, one that fails, one that streams. The last part waits for a field in place of
 * polling.
 */
import { goaway, isSpawner, StrictCentralized } from 'goaway'
import { add, divide, powers, square } from './arithmetic.ts'

const answers = StrictCentralized<Record<string, number>>('answers')

/** A routine may import what it likes: this module is loaded in its thread too. */
export async function hypotenuse(a: number, b: number): Promise<void> {
  await answers.set('hypotenuse', Math.sqrt(square(a) + square(b)))
}

if (isSpawner) {
  console.log('square(7):', await goaway(square, 7))
  console.log('add(2):', await goaway(add, 2))
  console.log('add(2, 3):', await goaway(add, 2, 3))

  const squares = await Promise.all([1, 2, 3, 4, 5].map((x) => goaway(square, x)))
  console.log('squares:', squares.join(' '))

  const failure = await goaway(divide, 1, 0).catch((error: Error) => error)
  console.log('divide(1, 0):', String(failure))

  const streamed: number[] = []
  for await (const power of goaway(powers, 2, 8)) streamed.push(power)
  console.log('powers(2, 8):', streamed.join(' '))

  const routine = goaway(hypotenuse, 3, 4)
  console.log('hypotenuse(3, 4):', await answers.waitFor('hypotenuse'))
  await routine
}
