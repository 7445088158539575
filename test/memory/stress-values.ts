/** Values that tell which version they are of, in all their bytes. */
import type { EncodedValue } from '../../lib/wire/messages.ts'

/** Fields that change together, in one release. */
export const groupFields = 6
export const groups = 4

export const fieldOf = (group: number, index: number): string => `group ${group}, field ${index}`

/** Versions of one release; which it is can be told from each of them. */
export const versionOf = (release: number, index: number): number => release * 16 + index + 1
export const releaseOf = (version: number): number => Math.floor((version - 1) / 16)

export function valueAt(version: number): EncodedValue {
  switch (version % 5) {
    case 0:
      return version * 3 + 0.5
    case 1:
      return `${version} `.repeat((version * 7919) % 80)
    case 2:
      return `é${version} `.repeat((version * 7919) % 60)
    default: {
      // Some are long, so that a thread is often found in the midst of copying one.
      const length = (version * 104_729) % (version % 5 === 3 ? 50_000 : 200)
      const bytes = Buffer.alloc(length - (length % 4))
      for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(version >>> 0, at)
      return new Uint8Array(bytes)
    }
  }
}

export function isValueAt(version: number, value: unknown): boolean {
  if (version === 0) return value === undefined
  const wanted = valueAt(version)
  if (!(wanted instanceof Uint8Array)) return value === wanted
  return value instanceof Uint8Array && Buffer.compare(wanted, value) === 0
}
