/** The order between ring and port, with a producer in a thread of its own. */
import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import t from 'tap'
import { Inbox } from '../../lib/hub/inbox.ts'
import { createHubWords, ThreadWords, wordAsleep } from '../../lib/wire/shared-words.ts'
import { randomOf } from './random.ts'

const count = 6000

for (const seed of [1, 2, 3]) {
  t.test(`messages come in the order sent, by ring and port (seed ${seed})`, async (t) => {
    const { port1, port2 } = new MessageChannel()
    const words = new ThreadWords()
    const hubWords = createHubWords()
    const inbox = new Inbox(port1, words.ring)
    const worker = new Worker(new URL('./inbox-producer.js', import.meta.url), {
      workerData: { port: port2, words: words.buffer, hubWords: hubWords.buffer, seed, count },
      transferList: [port2],
    })
    const random = randomOf(-seed)
    let next = 1
    const wrong: string[] = []
    const take = (): void => {
      const message = inbox.take()
      if (message?.[0] !== 'tell' || message[2][0] !== 'set') return
      const value = message[2][3] as Uint8Array
      if (message[1] !== next || value.some((byte) => byte !== next % 256)) {
        wrong.push(`${message[1]} in place of ${next}`)
      }
      next++
    }
    port1.on('message', (frame: unknown) => {
      inbox.delivered(frame)
      take()
    })
    const closed = once(port1, 'close')
    while (next <= count && wrong.length === 0) {
      // Sometimes asleep, so that there are mere wake-ups between the frames.
      Atomics.store(hubWords, wordAsleep, random() < 0.5 ? 1 : 0)
      for (let taken = random() * 300; taken > 0; taken--) take()
      await new Promise(setImmediate)
    }
    t.same(wrong, [])
    t.equal(inbox.take(), undefined)
    await worker.terminate()
    await closed
  })
}
