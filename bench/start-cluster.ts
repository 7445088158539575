/** A one-routine program on a cluster of three nodes. */
import { goaway, init, isSpawner, shutdown } from 'goaway'

export function trivial(value: number): number {
  return value
}

if (isSpawner) {
  await init({ launch: 'local', nodes: 3 })
  console.log(await goaway.with({ on: 'node-3' })(trivial, 42))
  await shutdown()
}
