/**
 * A picture of the Mandelbrot set, written as PNG by routines: each takes the next band that nobody
 * has, computes it, and makes it a piece of the file. Two models for two needs. No band may be
 * taken twice, so the number of the next one is a field of `StrictCentralized`, which counts for
 * all. A band, once drawn, is written by one routine and read at the end: nobody can disagree about
 * it, so it is left to `Weak`, and its routine goes on with the next while it travels.
 */
import { writeFileSync } from 'node:fs'
import { crc32, deflateRawSync, constants as zlib } from 'node:zlib'
import { goaway, isSpawner } from 'goaway'
import { StrictCentralized, Weak } from 'goaway/sync'

const [width, height] = [960, 640]
const bandRows = 20
const bandCount = height / bandRows
const workers = 4
/** A point that has not escaped by then counts as one of the set: the last colour. */
const iterationsMax = 255

const next = StrictCentralized('next band', { Weak: 0, StrictCentralized: 0 })

/** A band as it stands in the file, and what the checksum of the whole picture needs of it. */
interface Band {
  readonly chunk: Uint8Array
  readonly checksum: Checksum
}

type Bands = Record<string, Band>
const bands = {
  Weak: Weak<Bands>('bands'),
  StrictCentralized: StrictCentralized<Bands>('bands'),
}
type Model = keyof typeof bands

/** Draws bands until none is left. @returns for each the milliseconds that giving it away took */
export function draw(model: Model): number[] {
  const givenMs: number[] = []
  for (;;) {
    const band = next.add(model) - 1
    if (band >= bandCount) break
    const finished = drawBand(band * bandRows)
    const start = performance.now()
    bands[model].set(`${band}`, finished)
    givenMs.push(performance.now() - start)
  }
  if (model === 'Weak') bands.Weak.sync()
  return givenMs
}

/** The rows as PNG has them: a byte for the filter, 0, and a byte a pixel. */
function drawBand(firstRow: number): Band {
  const rows = Buffer.alloc(bandRows * (width + 1))
  for (let row = 0; row < bandRows; row++) {
    for (let column = 0; column < width; column++) {
      rows[row * (width + 1) + 1 + column] = escapeTime(
        -2.25 + (3 * (column + 0.5)) / width,
        -1 + (2 * (firstRow + row + 0.5)) / height,
      )
    }
  }
  // Compressed so that what comes next in the file does not depend on it.
  const compressed = deflateRawSync(rows, { finishFlush: zlib.Z_FULL_FLUSH })
  return { chunk: chunk('IDAT', compressed), checksum: checksumOf(rows) }
}

/** After how many steps z = z² + c leaves the circle of radius 2. */
function escapeTime(cx: number, cy: number): number {
  let [x, y] = [0, 0]
  for (let step = 0; step < iterationsMax; step++) {
    if (x * x + y * y > 4) return step
    const nextX = x * x - y * y + cx
    y = 2 * x * y + cy
    x = nextX
  }
  return iterationsMax
}

/** A part of a PNG file: length, type, data, CRC. */
function chunk(type: string, data: Uint8Array): Buffer {
  const parts = Buffer.alloc(12 + data.length)
  parts.writeUInt32BE(data.length, 0)
  parts.write(type, 4, 'latin1')
  parts.set(data, 8)
  parts.writeUInt32BE(crc32(parts.subarray(4, -4)), parts.length - 4)
  return parts
}

/** Adler-32, by which a zlib stream ends, in its two halves, with the number of bytes. */
interface Checksum {
  readonly low: number
  readonly high: number
  readonly length: number
}

const adlerBase = 65_521

function checksumOf(bytes: Uint8Array): Checksum {
  let [low, high] = [1, 0]
  for (const byte of bytes) {
    low = (low + byte) % adlerBase
    high = (high + low) % adlerBase
  }
  return { low, high, length: bytes.length }
}

/** That of two pieces, one after the other. */
function join(first: Checksum, second: Checksum): Checksum {
  return {
    low: (first.low + second.low + adlerBase - 1) % adlerBase,
    high: (first.high + second.high + (first.low + adlerBase - 1) * second.length) % adlerBase,
    length: first.length + second.length,
  }
}

/** Black for the set, and around it the hotter the longer. */
function palette(): Buffer {
  const colours = Buffer.alloc(3 * 256)
  for (let step = 0; step < iterationsMax; step++) {
    const heat = Math.sqrt(step / iterationsMax)
    colours[3 * step] = Math.round(255 * Math.min(1, 1.6 * heat))
    colours[3 * step + 1] = Math.round(255 * heat ** 2)
    colours[3 * step + 2] = Math.round(96 * (1 - heat))
  }
  return colours
}

/** The routines have made the pieces; this puts them in order. */
function assemble(drawn: readonly Band[]): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  // Eight bits a pixel, by a palette.
  header.set([8, 3], 8)
  const { low, high } = drawn.map(({ checksum }) => checksum).reduce(join)
  // An empty last block, and the checksum.
  const end = Buffer.from([3, 0, high >> 8, high & 255, low >> 8, low & 255])
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('PLTE', palette()),
    chunk('IDAT', Buffer.from([0x78, 0x9c])),
    ...drawn.map((band) => band.chunk),
    chunk('IDAT', end),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

async function drawTogether(model: Model): Promise<Buffer> {
  const shares = await Promise.all(Array.from({ length: workers }, () => goaway(draw, model)))
  const givenMs = shares.flat().sort((a, b) => a - b)
  const drawn = shares.map((share) => share.length).join(' + ')
  console.log(`${model}: ${givenMs.length} bands of ${bandCount} drawn, ${drawn}`)
  const median = givenMs[givenMs.length >> 1] as number
  console.log(`  to give one away took its routine ${(median * 1000).toFixed(0)} µs, as a median`)
  const all = bands[model].snapshot()
  return assemble(Array.from({ length: bandCount }, (_, band) => all[`${band}`] as Band))
}

if (isSpawner) {
  const file = process.argv[2] ?? 'mandelbrot.png'
  const picture = await drawTogether('Weak')
  const same = (await drawTogether('StrictCentralized')).equals(picture)
  writeFileSync(file, picture)
  console.log(`${file}: ${width} × ${height}, ${picture.length} bytes`)
  console.log(`Both models gave ${same ? 'the same picture' : 'DIFFERENT pictures'}`)
}
