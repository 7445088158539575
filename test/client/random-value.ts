/** Random nested values from a seed. */

/** A value of random kinds; those of the pool may come again, which makes sharing. */
export function makeValue(random: () => number, depth: number, pool: unknown[]): unknown {
  const pick = (count: number) => Math.floor(random() * count)
  const text = () =>
    Array.from({ length: pick(4) === 0 ? pick(400) : pick(12) }, () =>
      String.fromCharCode(
        [32 + pick(90), pick(256), pick(65536)][pick(20) < 18 ? 0 : 1 + pick(2)] as number,
      ),
    ).join('')
  const many = <T>(make: () => T): T[] => Array.from({ length: pick(6) }, make)
  const inner = () => makeValue(random, depth + 1, pool)
  const leaves: (() => unknown)[] = [
    () => pick(300) - 150,
    () => (random() - 0.5) * 2 ** pick(70),
    () => Math.trunc((random() - 0.5) * 2 ** pick(60)),
    () => [-0, Number.NaN, null, undefined, true, false][pick(6)],
    text,
    text,
    () => BigInt.asIntN(1 + pick(200), 0x9e3779b97f4a7c15n ** BigInt(1 + pick(4))),
    () => (pick(4) > 0 ? 1 : new Date(pick(1e9))),
    () => (pick(4) > 0 ? text() : Buffer.from(text())),
    () => (pick(4) > 0 ? text() : new Float64Array(many(random))),
  ]
  const containers: (() => unknown)[] = [
    () => many(inner),
    () => many(inner),
    () => Object.fromEntries(many(() => [text(), inner()])),
    () => Object.fromEntries(many(() => [`key${pick(9)}`, inner()])),
    () => (pick(4) > 0 ? many(inner) : new Map(many(() => [inner(), inner()]))),
    () => (pick(4) > 0 ? many(inner) : new Set(many(inner))),
    () => (pick(4) > 0 ? inner() : Object.assign(Object.create(null), { [text()]: inner() })),
    () =>
      pick(4) > 0 ? inner() : Object.assign(new Error(text(), { cause: inner() }), { a: inner() }),
    () => (pick(4) > 0 ? inner() : Object.assign(many(inner), { [pick(20)]: inner() })),
  ]
  if (pool.length > 0 && pick(30) === 0) return pool[pick(pool.length)]
  const kinds = depth > 5 || pick(3) === 0 ? leaves : containers
  const value = (kinds[pick(kinds.length)] as () => unknown)()
  if (typeof value === 'object' && value !== null) pool.push(value)
  return value
}
