/** Values that are put, as what travels: what a hub has to copy of them, which is little. */
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { decodePut, encodePut, shareData } from '../../lib/client/ref-value.ts'
import { storedInlineBytesMax } from '../../lib/limits.ts'
import { encodeFrame } from '../../lib/wire/frame.ts'

const floats = (length: number): Float64Array => new Float64Array(length).fill(0.5)

t.test('Of a value that is put a frame holds little, whatever its pieces are', async (t) => {
  const values = {
    'much small memory': Array.from({ length: 200 }, () => floats(4_096)),
    'much memory and one more': [...Array.from({ length: 50 }, () => floats(8_192)), floats(8_193)],
    'large memory': [floats(100_000), floats(100_000)],
    'memory among much else': { data: floats(10_000), ids: Array.from({ length: 50_000 }, String) },
  }
  for (const [name, value] of Object.entries(values)) {
    const data = encodePut(value)
    const { bytes } = encodeFrame([['refs', ['put', 1, data]]])
    t.ok(bytes.length <= storedInlineBytesMax, `${name}: ${bytes.length} bytes`)
    const shared = shareData(data)
    t.ok(
      shared.slice(1).every((memory, at) => memory === data[at + 1]?.buffer),
      'and nothing is copied again where it stays',
    )
    t.ok(isDeepStrictEqual(decodePut(shared, false).value, value))
    t.ok(isDeepStrictEqual(decodePut(shared, true).value, value))
  }
})
