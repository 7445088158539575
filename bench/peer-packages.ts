/**
 * What the benches measure against. The packages are dependencies of `bench/peers` alone, so they
 * may not be there, and neither may their types: who uses one says what of it is used.
 */
import { createRequire } from 'node:module'

export const howToHave = 'npm ci --prefix bench/peers'

/** A package of `bench/peers`. */
export function loadPeer(name: string): unknown {
  return createRequire(new URL('../../bench/peers/package.json', import.meta.url))(name)
}

export function isInstalled(name: string): boolean {
  try {
    loadPeer(name)
    return true
  } catch {
    return false
  }
}
