/** What a bench leaves: a table on the terminal, JSON in `bench/results`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { isMet, show, type Target } from './measure.ts'

export function report(name: string, targets: readonly Target[]): void {
  console.log(show(targets))
  const folder = new URL('../../bench/results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const file = new URL(`${name}.json`, folder)
  const machine = { node: process.version, cores: availableParallelism() }
  const results = targets.map((target) => ({ ...target, met: isMet(target) }))
  writeFileSync(file, `${JSON.stringify({ machine, targets: results }, null, 2)}\n`)
  console.log(`Written to ${fileURLToPath(file)}`)
}
