import process from 'node:process'
import t from 'tap'
import { HubPulse, leaveSystemThread, type PulseSources } from '../../lib/client/hub-pulse.ts'
import { beatPatienceMs, pulseLookMs, silenceMs } from '../../lib/limits.ts'
import { createHubWords, wordBeat, wordDead, wordHubThread } from '../../lib/wire/shared-words.ts'

const thread = 4711

function setUp(isThere: PulseSources['isThere']) {
  let time = 0
  const words = createHubWords()
  const pulse = new HubPulse(words, { now: () => time, isThere })
  /** @returns after how many milliseconds of looks it is taken for dead; undefined: it is not */
  const lookFor = (ms: number, beats = false): number | undefined => {
    for (let waited = 0; waited <= ms; waited += pulseLookMs) {
      if (beats) Atomics.add(words, wordBeat, 1)
      if (pulse.isGone()) return waited
      time += pulseLookMs
    }
    return undefined
  }
  return { words, lookFor, stop: (ms: number) => (time += ms) }
}

t.test('A hub that says that it cannot go on is gone at once', async (t) => {
  const { words, lookFor } = setUp(() => true)
  Atomics.store(words, wordDead, 1)
  t.equal(lookFor(0), 0)
})

t.test('A silent hub whose thread is there is alive, however long it is silent', async (t) => {
  const { words, lookFor } = setUp((asked) => asked === thread)
  Atomics.store(words, wordHubThread, thread)
  t.equal(lookFor(100 * beatPatienceMs), undefined)
})

t.test('A silent hub whose thread is gone is gone', async (t) => {
  const { words, lookFor } = setUp(() => false)
  Atomics.store(words, wordHubThread, thread)
  const after = lookFor(beatPatienceMs) as number
  t.ok(after > silenceMs && after < silenceMs + 3 * pulseLookMs, `${after} ms`)
})

t.test('A hub that beats is not looked for', async (t) => {
  const { words, lookFor } = setUp(() => false)
  Atomics.store(words, wordHubThread, thread)
  t.equal(lookFor(beatPatienceMs, true), undefined)
})

t.test('Where the system lists no threads, a long silence is the end', async (t) => {
  const { lookFor } = setUp(() => t.fail('nobody is looked for') as boolean)
  const after = lookFor(2 * beatPatienceMs) as number
  t.ok(after > beatPatienceMs && after < beatPatienceMs + 3 * pulseLookMs, `${after} ms`)
})

t.test('A process that stood still has not been silent', async (t) => {
  const { lookFor, stop } = setUp(() => true)
  t.equal(lookFor(beatPatienceMs / 2), undefined)
  stop(10 * beatPatienceMs)
  t.equal(lookFor(beatPatienceMs / 4), undefined)
})

t.test('This thread is known to the system', { skip: process.platform !== 'linux' }, async (t) => {
  const words = createHubWords()
  leaveSystemThread(words)
  t.equal(Atomics.load(words, wordHubThread), process.pid, 'a process is its first thread')
})
