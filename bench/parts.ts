/** The parts of the benches, each a program of its own, in the order in which they are run. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Part {
  readonly name: string
  readonly program: string
}

const names = [
  ...['local', 'cluster', 'stores', 'checker', 'map', 'peer-routines'],
  ...['classics', 'put', 'matrix'],
]

/** Those that are there. */
export const parts: readonly Part[] = names
  .map((name) => ({ name, program: fileURLToPath(new URL(`./${name}.js`, import.meta.url)) }))
  .filter(({ program }) => existsSync(program))

/** Those that were named, or all. A name that is none is an error. */
export function partsNamed(wanted: readonly string[], from = parts): readonly Part[] {
  const unknown = wanted.filter((name) => !from.some((part) => part.name === name))
  if (unknown.length > 0) {
    const known = from.map(({ name }) => name).join(', ')
    throw new RangeError(`Cannot run the part ${unknown.join(', ')}: there are ${known}`)
  }
  return wanted.length === 0 ? from : from.filter(({ name }) => wanted.includes(name))
}
