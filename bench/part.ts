/**
 * What the parts of the benches have in common. Each is a program of its own with sections, which
 * can be named: `node dist/bench/cluster.js --quick read bursts`.
 */
import process from 'node:process'
import type { Target } from './measure.ts'

export const isQuick = process.argv.includes('--quick')

/** The number given as `--name=number`. */
export function numberGiven(name: string): number | undefined {
  const start = `--${name}=`
  const given = process.argv.find((argument) => argument.startsWith(start))
  return given === undefined ? undefined : Number(given.slice(start.length))
}

/** Which of the sections are to run: those that were named, or all. Anything else ends the part. */
export function sectionsNamed(known: readonly string[]): readonly string[] {
  // By the way of an exit, which ends what was started: servers know nothing of signals to us.
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
  const unknown = named.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    console.error(`Unknown section: ${unknown.join(', ')}; there are ${known.join(', ')}`)
    process.exit(2)
  }
  return named.length > 0 ? named : known
}

export type Sections = Readonly<Record<string, () => Promise<Target[]>>>

/** Runs those that are wanted in turn, and says on stderr which. */
export async function runSections(
  sections: Sections,
  wanted: readonly string[],
): Promise<Target[]> {
  const targets: Target[] = []
  for (const [name, section] of Object.entries(sections)) {
    if (!wanted.includes(name)) continue
    console.error(`${name} ...`)
    targets.push(...(await section()))
  }
  return targets
}
