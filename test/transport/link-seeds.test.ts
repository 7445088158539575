/**
 * Links under random breaks, in one thread: whatever happens to the connections, each message
 * arrives once, whole, and in the order of its lane.
 */
import t, { type Test } from 'tap'
import { frameBytesMax, storedInlineBytesMax } from '../../lib/limits.ts'
import { laneOf } from '../../lib/wire/lane.ts'
import type { LinkMessage } from '../../lib/wire/messages.ts'
import { randomOf } from '../hub/random.ts'
import { type FakeEnd, LinkWorld } from './link-world.ts'

type Random = () => number
const below = (random: Random, bound: number): number => Math.floor(random() * bound)

/** Lanes 1 and 2 have large values at times; 3 and 4 never, nor have messages without a lane. */
function randomMessage(random: Random, number: number): LinkMessage {
  const kind = random()
  if (kind < 0.1) return ['room', number, 0, 0, 0]
  if (kind < 0.6) return ['reply', 3 + below(random, 2), number, number]
  const lane = 1 + below(random, 2)
  if (kind < 0.85) return ['reply', lane, number, number]
  if (kind < 0.99) {
    const bytes = storedInlineBytesMax + 1 + below(random, 300_000)
    const value = new Uint8Array(new SharedArrayBuffer(bytes)).fill(number)
    return ['reply', lane, number, [1, value]]
  }
  // No field of it is large, and all of it is too large for a frame.
  const rows = Array.from({ length: 40 }, (_, row) => [`${row}`, number, 'x'.repeat(30_000)])
  return ['reply', lane, number, rows as never]
}

const textOf = (message: LinkMessage): string =>
  JSON.stringify(message, (_, value) =>
    value instanceof Uint8Array
      ? `${value.byteLength} bytes ${value[0]} ${value.at(-1)} ${value[value.byteLength >> 1]}`
      : value,
  )

function byLane(messages: readonly LinkMessage[]): Record<string, string[]> {
  const lanes: Record<string, string[]> = {}
  for (const message of messages) {
    // What is never large, nor waits for what is, keeps its order as a whole.
    const lane = laneOf(message)
    const key = lane === 1 || lane === 2 ? `${lane}` : 'small'
    lanes[key] ??= []
    lanes[key]?.push(textOf(message))
  }
  return lanes
}

function step(world: LinkWorld, random: Random, send: (end: FakeEnd) => void): void {
  const end = world.ends[below(random, 2)] as FakeEnd
  const chance = random()
  if (chance < 0.4) send(end)
  else if (chance < 0.6) end.link.flush()
  else if (chance < 0.9) end.connection?.deliver(1 + below(random, random() < 0.2 ? 40 : 200_000))
  else if (chance < 0.95) world.timers.advance(below(random, 60))
  else if (chance < 0.97) {
    world.cut()
    if (random() < 0.5) world.timers.advance(below(random, 1000))
    world.connect()
  }
}

async function run(t: Test, seed: number): Promise<boolean> {
  const random = randomOf(seed)
  const world = new LinkWorld()
  world.connect()
  await Promise.resolve()
  const sent: LinkMessage[][] = [[], []]
  const send = (end: FakeEnd): void => {
    const list = sent[world.ends.indexOf(end)] as LinkMessage[]
    const message = randomMessage(random, list.length)
    list.push(message)
    end.link.send(message)
  }
  const steps = 50 + below(random, 400)
  for (let count = 0; count < steps; count++) step(world, random, send)
  for (const end of world.ends) end.link.flush()
  world.settle()
  const [a, b] = world.ends
  const good =
    t.same(byLane(b.messages), byLane(sent[0] as LinkMessage[])) &&
    t.same(byLane(a.messages), byLane(sent[1] as LinkMessage[])) &&
    t.same([a.link.backlog, b.link.backlog], [0, 0], 'all is acknowledged')
  a.link.close()
  world.settle()
  await Promise.resolve()
  return good && t.same([a.endings, b.endings], [[undefined], [undefined]]) && idle(t, world)
}

function idle(t: Test, world: LinkWorld): boolean {
  // Those that end a connection whose last bytes are on their way.
  world.timers.advance(2000)
  return t.equal(world.timers.pending, 0, 'no timer is left')
}

t.test('nothing is lost, twice or out of order, whatever breaks', async (t) => {
  t.ok(frameBytesMax < 40 * 30_000, 'there are messages that are too large for a frame')
  for (let seed = 1; seed <= 150; seed++) {
    if (!(await run(t, seed))) {
      t.comment(`seed ${seed}`)
      return
    }
  }
})
