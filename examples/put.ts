/**
 * put(): a large value that crosses to each node once, however many routines take it. Which of
 * 200,000 points lies nearest to each of some others? Every routine needs all of the points.
 */
import { goaway, isSpawner, put, type Ref } from 'goaway'

const count = 200_000

/** The index of the point that is nearest; `points` are pairs of coordinates. */
export async function nearest(ref: Ref<Float64Array>, x: number, y: number): Promise<number> {
  // Only read: so it need not be copied.
  const points = await ref.get({ shared: true })
  let best = 0
  let bestDistance = Infinity
  for (let at = 0; at < count; at++) {
    const distance = Math.hypot((points[2 * at] ?? 0) - x, (points[2 * at + 1] ?? 0) - y)
    if (distance < bestDistance) {
      best = at
      bestDistance = distance
    }
  }
  return best
}

/** Points on a spiral, each a little farther from the middle. */
function spiral(): Float64Array {
  const points = new Float64Array(2 * count)
  for (let at = 0; at < count; at++) {
    points[2 * at] = (at / count) * Math.cos(at / 1000)
    points[2 * at + 1] = (at / count) * Math.sin(at / 1000)
  }
  return points
}

if (isSpawner) {
  const points = put(spiral())
  const where = Array.from({ length: 20 }, (_, at): [number, number] => [at / 20, 1 - at / 20])
  const found = await Promise.all(where.map(([x, y]) => goaway(nearest, points, x, y)))
  // Nobody needs them any more: at every node their memory is free.
  points.release()
  const own = put(spiral())
  const alone = await Promise.all(where.map(([x, y]) => nearest(own, x, y)))
  own.release()
  console.log(`Nearest to the first of 20: ${found[0]}, to the last: ${found.at(-1)}`)
  console.log(String(found) === String(alone) ? 'as one thread finds them' : 'which is wrong')
}
