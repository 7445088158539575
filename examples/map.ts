/**
 * map(): a function over many items, on all threads there are. Which numbers up to 200,000 have the
 * longest Collatz sequence? And then, without an end, perfect numbers as they are found.
 */
import { isSpawner, map } from 'goaway'

/** Steps from a number to 1. */
export function collatz(start: number): number {
  let steps = 0
  for (let number = start; number !== 1; steps++) {
    number = number % 2 === 0 ? number / 2 : number * 3 + 1
  }
  return steps
}

export function isPerfect(number: number): boolean {
  let sum = 1
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor !== 0) continue
    sum += divisor
    if (divisor * divisor !== number) sum += number / divisor
  }
  return sum === number && number > 1
}

function* from(first: number): Generator<number> {
  for (let number = first; ; number++) yield number
}

if (isSpawner) {
  const numbers = Array.from({ length: 200_000 }, (_, at) => at + 1)
  let reports = 0
  const steps = await map(collatz, numbers, { onProgress: () => reports++ })
  const most = steps.reduce((best, count) => Math.max(best, count))
  console.log(`The longest sequence: ${steps.indexOf(most) + 1}, ${most} steps`)
  console.log(reports < 20_000 ? 'in far fewer chunks than items' : `in ${reports} chunks`)

  let number = 0
  const found: number[] = []
  for await (const perfect of map(isPerfect, from(1))) {
    number++
    if (perfect) found.push(number)
    if (found.length === 4) break
  }
  console.log(`Perfect: ${found.join(', ')}`)
}
