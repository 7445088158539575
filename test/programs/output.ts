/** Routines that print. */
import process from 'node:process'
import { goaway, init, isSpawner } from 'goaway'
import { StrictCentralized } from 'goaway/sync'

const way = process.argv[2]
const s = StrictCentralized<{ printed: boolean; free: boolean }>('output')
const line = 'x'.repeat(99)
const lines = 20_000

export function prints(): Promise<string> {
  console.log('one %s %d %j', 'two', 3, { four: 5 })
  process.stdout.write('part ')
  process.stdout.write(Buffer.from('of a line\n'))
  process.stdout.write('5a\n', 'hex' as BufferEncoding)
  console.error('to stderr %o', [1])
  console.log()
  // The callback comes after what is synchronous here, so the routine has to wait for it.
  return new Promise((resolve) => {
    process.stdout.write('with callback\n', () => {
      process.stdout.write('called back\n')
      resolve('result')
    })
  })
}

export function printsAndWaits(): void {
  console.log('while the program is blocked')
  s.printed = true
}

export function printsMuch(): number {
  s.printed = true
  for (let index = 0; index < lines; index++) console.log(`${index} ${line}`)
  return lines
}

export function printsAndExits(): void {
  process.stdout.write(`${line}\n`.repeat(lines))
  console.error('last words')
  process.exit(0)
}

export async function printsAndThrows(): Promise<void> {
  console.log('before it throws')
  throw new Error('thrown')
}

function startMuch(): PromiseLike<number> {
  const routine = goaway(printsMuch)
  s.waitFor('printed')
  console.error('started')
  return routine
}

if (isSpawner) {
  await init({ threads: 1 })
  switch (way) {
    case 'in order':
      console.log('before')
      console.log(await goaway(prints))
      await goaway(printsAndThrows).catch((error: Error) => console.log(error.message))
      console.log('after')
      break
    case 'blocked':
      goaway(printsAndWaits)
      s.waitFor('printed')
      console.log('printed')
      s.waitFor('free', { timeoutMs: 60_000 })
      break
    case 'much':
      console.log(await startMuch())
      break
    case 'exits':
      await goaway(printsAndExits).catch((error: { code: string }) => console.log(error.code))
      break
  }
}
