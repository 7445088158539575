/**
 * A test of a program on simulated clusters: two hundred of them, each with other faults. Two
 * variants of a bank move money between accounts; one of them loses some.
 */
import { GoawayError, goaway, Lock, StrictCentralized } from 'goaway'
import { check } from 'goaway/check'
import { SimulationError, simulate } from 'goaway/testing'

interface Accounts {
  alice: number
  bob: number
}

const accounts = StrictCentralized<Accounts>('accounts', { alice: 100, bob: 100 })
const bank = Lock('bank')

async function moveCarefully(amount: number): Promise<void> {
  await bank.with(async () => {
    await accounts.add('alice', -amount)
    await accounts.add('bob', amount)
  })
}

async function moveCarelessly(amount: number): Promise<void> {
  const [alice, bob] = [await accounts.get('alice'), await accounts.get('bob')]
  await accounts.set('alice', alice - amount)
  await accounts.set('bob', bob + amount)
}

/** What a break of the network may do to a routine; here nobody crashes. */
const isExpected = (error: unknown): boolean =>
  error instanceof GoawayError && error.code !== 'ERR_GOAWAY_DEADLOCK'

async function testBank(move: (amount: number) => Promise<void>): Promise<string> {
  try {
    const faults = { forMs: 1_000, crashes: 0, pauses: 0, partitions: 0, oneWays: 0 }
    await simulate({ seeds: 200, faults }, async (world) => {
      const moved = await Promise.allSettled([1, 2, 3].map((amount) => goaway(move, amount)))
      for (const { status, reason } of moved as PromiseRejectedResult[]) {
        if (status === 'rejected' && !isExpected(reason)) throw reason
      }
      const { alice, bob } = await accounts.snapshot()
      if (alice + bob !== 200) throw new Error(`Alice has ${alice}, Bob has ${bob}`)
      if (check(world.history).verdict !== 'ok') throw new Error('The objects broke their promise')
    })
    return 'no money was lost'
  } catch (error) {
    if (!(error instanceof SimulationError)) throw error
    return `seed ${error.seed}: ${(error.cause as Error).message}`
  }
}

console.log(`With the lock: ${await testBank(moveCarefully)}`)
console.log(`Without it: ${await testBank(moveCarelessly)}`)
