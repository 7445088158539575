/** What tests of moving routines run on the nodes of a cluster. */
import { context, goaway, LinFastRead, map, Weak } from 'goaway'
import { Weak as WeakHere } from 'goaway/sync'

/** Runs are counted here, whichever node is lost or busy. */
export const runs = LinFastRead<Record<string, number>>('stealing-runs')
/** Read without a message, so that who looks at it again and again does not block. */
const before: Record<string, boolean> = {
  ...{ 'free first': false, 'free second': false, 'free third': false },
  ...{ 'free others': false, 'free parent': false },
}
export const signs = Weak('stealing-signs', before)
const seen = WeakHere('stealing-signs', before)

/** Says that it has begun, and keeps its thread until there is the sign. */
export function spinUntil(sign: string, begun: string): string {
  seen.get(sign)
  seen.set(begun, true)
  while (seen.get(sign) !== true && !context().cancelled) {
    // Nothing else may run on this thread.
  }
  return context().node
}

export async function countRun(name: string): Promise<string> {
  await runs.add(name)
  return context().node
}

/** Starts others from the node's own thread, which it then keeps until they are over. */
export async function startAndSpin(sign: string, begun: string, count: number): Promise<string[]> {
  const children = Array.from({ length: count }, (_, at) => goaway(countRun, `child ${at}`))
  spinUntil(sign, begun)
  return Promise.all(children)
}

/** One of the items never ends where it runs first, until it is cancelled. */
export async function hangOnce(value: number): Promise<string> {
  if (value === 7 && (await runs.add('hung')) === 1) {
    while (!context().cancelled) {
      // It keeps its thread as well.
    }
  }
  return context().node
}

/** A map from within a routine, where no thread knows the nodes. */
export async function mapFromHere(): Promise<string[]> {
  const options = { idempotent: true, hedge: true, chunkSize: 1, graceMs: 30_000 }
  return map(hangOnce, [1, 2, 3, 4, 5, 6, 7], options)
}
