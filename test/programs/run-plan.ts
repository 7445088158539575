/** The frame of a program that a test starts with a plan, as JSON, in its first argument. */
import process from 'node:process'
import { isSpawner, shutdown } from 'goaway'
import { factsOf, tell } from './tell.ts'

/** In the program's own process: runs it, or tells why it failed, and ends with code 1. */
export async function runPlan<T>(main: (plan: T) => Promise<void>): Promise<void> {
  if (!isSpawner) return
  try {
    await main(JSON.parse(process.argv[2] as string) as T)
  } catch (error) {
    tell({ what: 'failed', ...factsOf(error) })
    await shutdown({ graceMs: 0 }).catch(() => {})
    process.exitCode = 1
  }
}
