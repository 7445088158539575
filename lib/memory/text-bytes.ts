/**
 * Texts as bytes: names of fields and short strings. A text comes back as it was, lone surrogates
 * too, so that no two names are one.
 */

const kindAscii = 0
const kindUtf8 = 1
const kindUtf16 = 2
const kindBits = 2
const kindMask = (1 << kindBits) - 1

const encodings = ['latin1', 'utf8', 'utf16le'] as const

/** How a text is written, in the lower two bits, and above them in how many bytes. */
export function measureText(text: string): number {
  const bytes = Buffer.byteLength(text)
  if (bytes === text.length) return (bytes << kindBits) | kindAscii
  // With this flag, half a pair that has its other half does not match.
  if (/\p{Surrogate}/u.test(text)) return (text.length << (kindBits + 1)) | kindUtf16
  return (bytes << kindBits) | kindUtf8
}

export function textBytes(measure: number): number {
  return measure >>> kindBits
}

export function writeText(text: string, measure: number, into: Buffer, at: number): void {
  into.write(text, at, textBytes(measure), encodings[measure & kindMask])
}

export function readText(measure: number, from: Buffer, at: number): string {
  return from.toString(encodings[measure & kindMask], at, at + textBytes(measure))
}
