// Replicas under real threads: one writes, others read, and are ended. Rules: docs/replicas.md.
import t from 'tap'
import { StressStage } from './stress-stage.ts'

/** So long may it take on a machine with much else to do; it takes a second or two. */
const seconds = 70
const changesWanted = 500
const overtakenWanted = 2

t.test('two threads read whole values, in order, of whole releases', async (t) => {
  const stage = new StressStage()
  const threads = [stage.thread(1), stage.thread(2)]
  const isOver = (): boolean =>
    threads.every(({ changes }) => changes >= changesWanted) &&
    threads.reduce((sum, { overtaken }) => sum + overtaken, 0) >= overtakenWanted
  const inTime = await stage.writeUntil(isOver, seconds)
  await Promise.all(threads.map((thread) => thread.stop()))
  for (const { error, changes, asks, overtaken } of threads) {
    t.equal(error, undefined, error?.stack ?? 'nothing was wrong')
    t.comment(`${changes} changes seen, ${asks} to ask, ${overtaken} reads overtaken`)
  }
  t.ok(inTime, 'the threads have read')
  t.ok(stage.moves > 0, 'the object has moved meanwhile')
  t.comment(`${stage.releases} releases, ${stage.moves} moves, ${show(stage)}`)
})

const show = (stage: StressStage): string => JSON.stringify(stage.writer.stats())

t.test('without the grace period a thread finds a value written over', async (t) => {
  const stage = new StressStage({ noGrace: true })
  const threads = [stage.thread(1), stage.thread(2)]
  const hasError = (): boolean => threads.some(({ error }) => error !== undefined)
  await stage.writeUntil(hasError, seconds)
  const complaint = threads.find(({ error }) => error !== undefined)?.error
  await Promise.all(threads.map((thread) => thread.terminate()))
  t.ok(complaint, 'the mutant was noticed')
  t.comment(`after ${stage.releases} releases: ${complaint?.message}`)
})

t.test(
  'a thread that is ended in the midst of a read holds up memory until it is detached',
  async (t) => {
    const stage = new StressStage()
    let ended = 0
    for (let seed = 1; ended < 2 && seed < 40; seed += 1) {
      const thread = stage.thread(seed, true)
      t.ok(await stage.writeUntil(() => thread.changes > 20 + seed, seconds), 'the thread reads')
      await thread.terminate()
      t.equal(thread.error, undefined, thread.error?.stack ?? 'nothing was wrong')
      if (thread.isReading) ended += 1
      for (let count = 0; count < 100; count += 1) stage.write()
      const held = stage.writer.stats()
      if (thread.isReading) t.ok(held.retired >= 600, 'nothing of 100 releases is used again')
      stage.detach(thread)
      for (let count = 0; count < 100; count += 1) stage.write()
      t.ok(stage.writer.stats().retired < 100, 'all is used again')
    }
    t.equal(ended, 2, 'two threads were ended while they read')
    const { segments } = stage.writer.stats()
    for (let count = 0; count < 2000; count += 1) stage.write()
    t.equal(stage.writer.stats().segments, segments, 'memory stays as it is')
  },
)
