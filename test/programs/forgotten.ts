/** Programs that forgot `if (isSpawner)`, each in its way. */
import process from 'node:process'
import { goaway, init } from 'goaway'
import { Lock, StrictCentralized } from 'goaway/sync'

const s = StrictCentralized('forgotten', { x: 1 })

export function work(): number {
  return 1
}

async function main(): Promise<void> {
  console.log(await goaway(work))
}

switch (process.argv[2]) {
  case 'awaited goaway':
    console.log(await goaway(work))
    break
  case 'goaway':
    goaway(work)
    break
  case 'many':
    await Promise.all(Array.from({ length: 50 }, () => goaway(work)))
    break
  case 'stream':
    await goaway(work)
    for await (const value of goaway(generate)) console.log(value)
    break
  case 'awaited init':
    await init({ threads: 2 })
    console.log(await goaway(work))
    break
  case 'init':
    void init({ threads: 2 })
    console.log(await goaway(work))
    break
  case 'blocking read':
    console.log(s.x)
    console.log(await goaway(work))
    break
  case 'blocking write':
    s.x = 2
    console.log(await goaway(work))
    break
  case 'blocking acquire':
    Lock('forgotten').acquire().release()
    console.log(await goaway(work))
    break
  case 'main':
    main()
    break
  case 'main that catches':
    main().catch((error) => {
      console.error(error)
      process.exitCode = 1
    })
    break
}

export function* generate(): Generator<number> {
  yield 1
}
