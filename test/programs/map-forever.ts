/**
 * `map` over items without end, for who ends the program from outside; with `--leave` the program
 * leaves the loop, and has nothing pending then.
 */
import process from 'node:process'
import { isSpawner, map } from 'goaway'

export function spinShortly(value: number): number {
  const until = performance.now() + 1
  while (performance.now() < until);
  return value
}

function* naturals(): Generator<number> {
  for (let next = 0; ; next++) yield next
}

if (isSpawner) {
  let count = 0
  for await (const value of map(spinShortly, naturals())) {
    if (value === 10) console.log('ten')
    if (++count === 100 && process.argv.includes('--leave')) break
  }
  console.log('left')
}
