/** Sends numbered messages of random lengths through a channel, as a thread does. */
import { type MessagePort, workerData } from 'node:worker_threads'
import { Channel } from '../../lib/client/channel.ts'
import { ThreadWords } from '../../lib/wire/shared-words.ts'
import { randomOf } from './random.ts'

const { port, words, hubWords, seed, count } = workerData as {
  port: MessagePort
  words: SharedArrayBuffer
  hubWords: SharedArrayBuffer
  seed: number
  count: number
}
const random = randomOf(seed)
const channel = new Channel(port, new ThreadWords(words), new Int32Array(hubWords))

function lengthOf(): number {
  const kind = random()
  if (kind < 0.9) return Math.floor(random() * 200)
  // More than an entry of the ring may have; and so much that it goes as shared memory.
  if (kind < 0.995) return Math.floor(random() * 50_000)
  return 70_000
}

for (let number = 1; number <= count; number++) {
  const value = new Uint8Array(new SharedArrayBuffer(lengthOf())).fill(number % 256)
  channel.send(['tell', number, ['set', 'o', 'f', value, null]])
  if (random() < 0.002) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
}
port.close()
