/**
 * What the examples of the models have to say, alone and on a cluster. Times are not looked at:
 * they are for the eye.
 */
import { readFileSync } from 'node:fs'
import { crc32, inflateSync } from 'node:zlib'
import type { Test } from 'tap'

const lines = (output: string): string[] => output.trimEnd().split('\n')

/** The first group of a pattern, in each line that it fits. */
function matches(output: string, pattern: RegExp): string[] {
  return lines(output).flatMap((line) => pattern.exec(line)?.[1] ?? [])
}

export function checkWeak(t: Test, output: string): void {
  t.equal(lines(output)[0], 'Before: a=0 b=0 c=0')
  const seen = matches(output, /^ {2}(a=.*)$/)
  t.not(seen.length, 0, 'something was seen meanwhile')
  for (const state of seen) t.match(state, /^a=[01] b=[01] c=[01]$/)
  t.notMatch(output, 'b=0 c=1', 'c is never seen without b')
  t.match(output, /^After their sync\(\) only this: a=1 b=1 c=1$/m)
  for (const model of ['Weak', 'StrictCentralized']) {
    const times = '\\d+\\.\\d µs each for the writer, \\d+\\.\\d µs until all nodes have it'
    t.match(output, new RegExp(`^ {2}${model}: ${times}$`, 'm'))
  }
}

export function checkRelease(t: Test, output: string): void {
  const parts = output.replaceAll(/takes \d+ µs/g, 'takes some µs')
  const story = (model: string, section: string): string[] => [
    `${model}, without its lock:`,
    '  before:       x=0 y=10',
    `  in a section: ${section}`,
    '  after ten:    x=10 y=0, read under the lock',
    '  a section of twenty writes takes some µs',
  ]
  t.same(lines(parts), [
    ...story('UpdateOnRelease', 'x=0 y=10'),
    ...story('StrictCentralized', 'x=1 y=10, half a change'),
  ])
}

export function checkFastRead(t: Test, output: string): void {
  const row = (model: string): RegExp =>
    new RegExp(`^${model} +\\d+\\.\\d µs +\\d+\\.\\d µs +(\\d+) of 5000$`)
  t.same(matches(output, row('LinFastRead')), ['0'], 'never stale')
  t.same(matches(output, row('StrictCentralized')), ['0'], 'never stale')
  t.equal(matches(output, row('Weak')).length, 1)
}

export function checkParameterServer(t: Test, output: string): void {
  const loss = (name: string): number =>
    Number(
      matches(
        output,
        new RegExp(`^${name} +loss (\\d\\.\\d{3}) after \\d+ ms, a step \\d+ µs$`),
      )[0],
    )
  t.match(output, /^untrained +loss 0\.693$/m)
  const plain = loss('a plain loop')
  t.ok(plain < 0.3, `a plain loop learns: ${plain}`)
  // If of all steps only those of one routine counted, it would be 0.4.
  for (const model of ['Weak', 'StrictCentralized']) {
    t.ok(loss(model) < 0.55, `so do routines with ${model}: ${loss(model)}`)
  }
}

/** @param file where the picture was to be written */
export function checkMandelbrot(t: Test, output: string, file: string): void {
  for (const model of ['Weak', 'StrictCentralized']) {
    const [shares = ''] = matches(output, new RegExp(`^${model}: 32 bands of 32 drawn, (.*)$`))
    const sum = shares.split(' + ').reduce((total, share) => total + Number(share), 0)
    t.equal(sum, 32, `no band was drawn twice: ${shares}`)
  }
  t.match(output, 'Both models gave the same picture')
  t.match(output, `${file}: 960 × 640, `)
  const { width, height, pixels } = readPicture(readFileSync(file))
  t.same([width, height], [960, 640])
  const wrong: string[] = []
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const expected = stepsToEscape((3 * (column + 0.5)) / width - 2.25, row, height)
      if (pixels[row * (width + 1)] !== 0) wrong.push(`filter of row ${row}`)
      if (pixels[row * (width + 1) + 1 + column] !== expected) wrong.push(`${row}, ${column}`)
    }
  }
  t.same(wrong.slice(0, 10), [], 'each pixel is what one thread computes')
}

function stepsToEscape(real: number, row: number, height: number): number {
  const imaginary = (2 * (row + 0.5)) / height - 1
  let [x, y, steps] = [0, 0, 0]
  while (steps < 255 && x * x + y * y <= 4) {
    ;[x, y] = [x * x - y * y + real, 2 * x * y + imaginary]
    steps += 1
  }
  return steps
}

interface Picture {
  readonly width: number
  readonly height: number
  /** For each row the byte of its filter, then one a pixel. */
  readonly pixels: Uint8Array
}

/** Reads a PNG of one byte a pixel; inflating it checks its Adler-32. */
function readPicture(bytes: Buffer): Picture {
  const signature = '\x89PNG\r\n\x1a\n'
  if (bytes.toString('latin1', 0, 8) !== signature) throw new Error('The file is no PNG')
  const data = new Map<string, Buffer[]>()
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    const type = bytes.toString('latin1', at + 4, at + 8)
    const end = at + 8 + length
    if (crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end)) {
      throw new Error(`A chunk has the wrong CRC: ${type} at ${at}`)
    }
    data.set(type, [...(data.get(type) ?? []), bytes.subarray(at + 8, end)])
    at = end + 4
  }
  const header = data.get('IHDR')?.[0]
  if (header === undefined || !data.has('IEND')) throw new Error('The file is no whole PNG')
  const pixels = inflateSync(Buffer.concat(data.get('IDAT') ?? []))
  return { width: header.readUInt32BE(0), height: header.readUInt32BE(4), pixels }
}

/** A folder of texts whose words are counted below. */
export const texts = {
  'one.md': 'The cat and the dog. The end!',
  deeper: { 'two.txt': 'A dog; then a constructor, get and set.', 'no-text.json': '"unread"' },
}

export function checkWordCounts(t: Test, output: string): void {
  const told = output.replaceAll(/in \d+\.\d\d s/g, 'in some s')
  t.same(lines(told), [
    'Weak: 12 additions in some s',
    '  as a plain loop counts them',
    'StrictCentralized: 12 additions in some s',
    '  as a plain loop counts them',
    '2 texts, 15 words, 10 different, most often:',
    ...['the 3', 'a 2', 'and 2', 'dog 2', 'cat 1', 'constructor 1'].map((line) => `  ${line}`),
    ...['end 1', 'get 1', 'set 1', 'then 1'].map((line) => `  ${line}`),
  ])
}

export function checkRelaxation(t: Test, output: string): void {
  for (const model of ['UpdateOnRelease', 'StrictCentralized']) {
    t.match(output, new RegExp(`^${model}: \\d+ ms, \\d+ µs a half sweep$`, 'm'))
  }
  const differ = matches(output, /differ from a plain loop's in any bit: (\d+ of \d+)$/)
  t.same(differ, ['0 of 575', '0 of 575'])
  t.same(matches(output, /the middle is (.*) warm/), ['0.250000', '0.250000'], 'it has converged')
}
