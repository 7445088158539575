/** Routines whose module loads in the program and fails to load on a thread, or never finishes. */
import process from 'node:process'
import { goaway, isSpawner, StrictCentralized } from 'goaway'
import { tellHow } from './tell.ts'

const way = process.argv[2]
const s = StrictCentralized<{ loading: boolean }>('module load')
const nowhere = './nowhere.mjs'
const broken = 'data:text/javascript,export const broken = ]'

export function work(): number {
  return 1
}

if (!isSpawner) {
  if (way === 'throws') throw new RangeError('thrown while it loads')
  if (way === 'missing import') await import(nowhere)
  if (way === 'syntax error') await import(broken)
  if (way === 'hangs, cancelled') await s.set('loading', true)
  if (way === 'hangs' || way === 'hangs, cancelled') await new Promise(() => {})
} else if (way === 'hangs') {
  await tellHow(way, () => goaway.with({ timeoutMs: 200, graceMs: 50 })(work))
} else if (way === 'hangs, cancelled') {
  const routine = goaway.with({ graceMs: 50 })(work)
  const told = tellHow(way, () => routine)
  await s.waitFor('loading')
  routine.cancel('enough')
  await told
} else {
  await tellHow(`${way}`, () => goaway(work))
  await tellHow(`${way}, again`, () => goaway(work))
}
