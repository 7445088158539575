/**
 * Which of some places a name belongs to. Highest random weight (Thaler and Ravishankar, 1998):
 * each name is spread evenly, all nodes agree without asking, and when a place is gone only its own
 * names move.
 */

/** `places` holds one at least. */
export function rendezvous(name: string, places: readonly number[]): number {
  let best = places[0] as number
  let bestWeight = -1
  const seed = hash(name, 0x811c9dc5)
  for (const place of places) {
    const weight = mix(seed ^ Math.imul(place, 0x9e3779b1))
    if (weight > bestWeight) {
      best = place
      bestWeight = weight
    }
  }
  return best
}

/** FNV-1a over UTF-16 units. */
function hash(text: string, seed: number): number {
  let value = seed
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  }
  return value
}

/** The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let bits = value ^ (value >>> 16)
  bits = Math.imul(bits, 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
