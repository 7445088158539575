// Rules (R1..) are those of docs/protocols/schedule.md.
import t from 'tap'
import {
  type ScheduleInput,
  type ScheduleOutput,
  type ScheduleParameters,
  schedule,
} from '../../lib/protocol/schedule.ts'
import { ScheduleWorld, seeded } from './schedule-world.ts'

const two: ScheduleParameters = { threads: 2, threadsMax: 4, threadsCeiling: 8, window: 4 }

function words(output: ScheduleOutput): string {
  switch (output.type) {
    case 'assign':
      return `${output.share ? 'share' : 'assign'} ${output.id} to t${output.thread}`
    case 'revoke':
      return `revoke ${output.id} of t${output.thread}`
    case 'openThread':
      return `open t${output.thread}`
    case 'closeThread':
      return `close t${output.thread}`
    case 'spare':
      return `spare t${output.thread}`
    case 'dropped':
      return `dropped ${output.id}`
    case 'stop':
      return `stop ${output.id} on t${output.thread}`
    case 'lost':
      return `lost ${output.ids.join(' ')} with t${output.thread}`
  }
}

/** A machine that answers in words. */
class Script {
  readonly state
  constructor(parameters: ScheduleParameters) {
    this.state = schedule.initial(parameters)
  }

  tell(...inputs: ScheduleInput[]): string {
    return inputs
      .flatMap((input) => schedule.step(this.state, input))
      .map(words)
      .join(', ')
  }

  submit(...ids: number[]): void {
    for (const id of ids) this.submitOne(id)
  }

  submitOne(id: number, more: Partial<ScheduleInput & { type: 'submit' }> = {}): void {
    const rest = { child: false, priority: 0, isolate: false, fn: `fn ${id}` }
    this.tell({ type: 'submit', id, ...rest, ...more })
  }

  /** Dispatches after these inputs. */
  run(...inputs: ScheduleInput[]): string {
    return this.tell(...inputs, { type: 'dispatch' })
  }

  /** Opens so many threads. */
  warm(threads: number): void {
    this.tell({ type: 'warm', threads })
    for (let thread = 1; thread <= threads; thread++) this.tell({ type: 'threadOpened', thread })
  }
}

const parked = (thread: number, ...returned: number[]): ScheduleInput => ({
  type: 'parked',
  thread,
  returned,
})
const ended = (id: number): ScheduleInput => ({ type: 'ended', id })

t.test('schedule.step() opens threads for what is queued, as many as may run', async (t) => {
  const script = new Script(two)
  script.submit(1, 2, 3)
  t.equal(script.run(), 'open t1, open t2')
  t.equal(script.run(), '', 'and no more')
  t.equal(script.run({ type: 'threadOpened', thread: 1 }), 'assign 1 to t1')
  t.equal(script.run({ type: 'threadOpened', thread: 2 }), 'assign 2 to t2')
})

t.test('R3: a parked routine keeps its thread while threadsMax allows', async (t) => {
  const script = new Script(two)
  script.warm(2)
  script.submit(1, 2)
  script.run()
  script.tell(parked(1), parked(2))
  script.submit(3)
  t.equal(script.run(), 'open t3')
  script.submit(4)
  t.equal(script.run(), 'open t4')
  t.equal(script.run({ type: 'threadOpened', thread: 3 }), 'assign 3 to t3')
  t.equal(script.run({ type: 'threadOpened', thread: 4 }), 'assign 4 to t4')
  script.tell(parked(3), parked(4))
  script.submit(5)
  t.equal(script.run(), 'share 5 to t1', 'beyond it, the thread that holds fewest is shared')
})

t.test('R3: a routine waits for a thread that is opening, rather than share', async (t) => {
  const script = new Script(two)
  script.warm(1)
  script.submit(1, 2)
  t.equal(script.run(), 'assign 1 to t1, open t2')
  script.tell(parked(1))
  // The thread was opened for 2, which goes elsewhere; it comes in time for 3.
  script.tell(ended(1))
  t.equal(script.run(), 'assign 2 to t1')
  script.tell(parked(1))
  script.submit(3)
  t.equal(script.run(), '')
  t.equal(script.run({ type: 'threadOpened', thread: 2 }), 'assign 3 to t2')
})

t.test('R4: a crowd of one function shares at once, and no other function with it', async (t) => {
  const script = new Script(two)
  script.warm(1)
  for (let id = 1; id <= 9; id++) script.submitOne(id, { fn: 'wait' })
  t.equal(script.run(), 'assign 1 to t1, open t2, assign 2 to t1, assign 3 to t1, assign 4 to t1')
  const again = script.run(parked(1, 2, 3, 4))
  t.match(again, /^share 2 to t1/)
  const other = new Script(two)
  other.warm(1)
  other.submitOne(1, { fn: 'coordinate' })
  other.run()
  for (let id = 2; id <= 9; id++) other.submitOne(id, { fn: 'work' })
  t.equal(other.run(parked(1)), 'open t2, open t3')
})

t.test('A thread that blocks lets another run in its place', async (t) => {
  const script = new Script({ ...two, threads: 1 })
  script.warm(1)
  script.submit(1, 2, 3)
  t.equal(script.run(), 'assign 1 to t1, assign 2 to t1')
  t.equal(script.tell({ type: 'blocked', thread: 1 }), 'revoke 2 of t1, revoke 1 of t1')
  script.tell({ type: 'revoked', id: 2, taken: true })
  t.equal(script.run({ type: 'revoked', id: 1, taken: false }), 'open t2')
  t.equal(script.run({ type: 'threadOpened', thread: 2 }), 'assign 2 to t2')
  t.equal(script.run({ type: 'unblocked', thread: 1 }), '', 'both run for a while')
  t.equal(script.run(ended(2)), 'spare t2, assign 3 to t1', 'and then one again')
})

t.test('R7: children go before roots, the last first; roots in order', async (t) => {
  const script = new Script({ ...two, threads: 1, window: 1 })
  script.warm(1)
  script.submit(1)
  script.run()
  script.submit(2, 3)
  script.submitOne(4, { child: true })
  script.submitOne(5, { child: true })
  const order = [1, 5, 4, 2, 3].map((id) => script.run(ended(id)))
  const expected = ['assign 5 to t1', 'assign 4 to t1', 'assign 2 to t1', 'assign 3 to t1', '']
  t.same(order, expected)
})

t.test('R7: priority goes before all, and takes back what was given in advance', async (t) => {
  const script = new Script({ ...two, threads: 1 })
  script.warm(1)
  script.submit(1, 2, 3, 4)
  t.equal(script.run(), 'assign 1 to t1, assign 2 to t1, assign 3 to t1')
  script.tell({ type: 'revoked', id: 1, taken: false })
  script.submitOne(5, { priority: 1 })
  t.equal(script.run(), 'revoke 3 of t1, revoke 2 of t1')
  script.tell({ type: 'revoked', id: 3, taken: true })
  t.equal(
    script.run({ type: 'revoked', id: 2, taken: true }),
    'assign 5 to t1, assign 2 to t1, assign 3 to t1, assign 4 to t1',
    'and the others keep their order',
  )
})

t.test('R6: what is behind a long routine goes to a thread that is idle', async (t) => {
  const script = new Script(two)
  script.warm(2)
  script.submit(1, 2, 3, 4, 5, 6, 7)
  const first = 'assign 1 to t1, assign 2 to t2, assign 3 to t1, assign 4 to t2'
  t.equal(script.run(), first)
  t.equal(script.run(ended(2), ended(4)), 'assign 5 to t2')
  script.submit(8)
  t.equal(script.run(ended(5)), 'assign 6 to t2')
  t.equal(script.run(ended(6)), 'assign 7 to t2')
  t.equal(script.run(ended(7)), 'assign 8 to t2')
  t.equal(script.run(ended(8)), 'revoke 3 of t1', '1 may be about to begin, 3 is behind it')
  t.equal(script.run({ type: 'revoked', id: 3, taken: true }), 'assign 3 to t2')
  t.equal(script.run(ended(3)), '', 'and 1 stays')
})

/** Thread 1 runs 1 with 3 behind it, thread 2 has 7, and nothing is queued. */
function withOneBehind(): Script {
  const script = new Script(two)
  script.warm(2)
  script.submit(1, 2, 3, 4, 5, 6, 7)
  script.run()
  script.run(ended(2), ended(4))
  script.run(ended(5))
  script.run(ended(6))
  return script
}

t.test('R6: what is behind a long routine is taken back when the other thread parks', async (t) => {
  const script = withOneBehind()
  t.equal(script.run(parked(2)), 'revoke 3 of t1', 'nothing is idle, but a thread can be opened')
  t.equal(script.run({ type: 'revoked', id: 3, taken: true }), 'open t3')
  t.equal(script.run({ type: 'threadOpened', thread: 3 }), 'assign 3 to t3')
})

t.test('R6: what is behind a long routine is taken back when the other blocks', async (t) => {
  const script = withOneBehind()
  script.tell({ type: 'blocked', thread: 2 })
  t.match(script.run(), 'revoke 3 of t1')
})

t.test('Lanes of cancelled routines are left behind nowhere', async (t) => {
  const script = new Script(two)
  for (let id = 1; id <= 100; id++) {
    script.submitOne(id, { priority: id })
    script.run({ type: 'cancel', id })
  }
  t.equal(script.state.lanes.length, 0)
})

t.test('R5: an isolated routine has a thread of its own', async (t) => {
  const script = new Script({ ...two, threadsMax: 2 })
  script.warm(2)
  script.submitOne(1, { isolate: true })
  script.submit(2)
  script.run()
  script.tell(parked(1), parked(2))
  script.submit(3)
  t.equal(script.run(), 'share 3 to t2')
  script.tell(parked(2))
  script.submitOne(4, { isolate: true })
  t.equal(script.run(), 'open t3', 'beyond threadsMax, too')
})

t.test('R2: cancel drops what is queued, and stops what is not', async (t) => {
  const script = new Script({ ...two, threads: 1, window: 1 })
  script.warm(1)
  script.submit(1, 2, 3)
  script.run()
  t.equal(script.tell({ type: 'cancel', id: 3 }), 'dropped 3')
  t.equal(script.tell({ type: 'cancel', id: 1 }), 'stop 1 on t1')
  t.equal(script.tell({ type: 'cancel', id: 3 }), '', 'it is not known any more')
  t.equal(script.run(ended(1), ended(2)), '')
})

t.test('A thread that is lost takes what it held with it', async (t) => {
  const script = new Script(two)
  script.warm(1)
  script.submit(1)
  script.run()
  t.equal(script.tell({ type: 'threadLost', thread: 1 }), 'lost 1 with t1')
  t.equal(script.tell({ type: 'threadLost', thread: 1 }), '')
  t.equal(script.run(ended(1)), '', 'a late word of it changes nothing')
})

t.test('R8: only a thread that is idle and more than is needed is closed', async (t) => {
  const script = new Script({ ...two, threads: 1 })
  script.warm(2)
  t.equal(script.tell({ type: 'retire', thread: 2 }), 'close t2')
  t.equal(script.tell({ type: 'retire', thread: 1 }), '', 'not the last that may run')
  script.submit(1)
  t.equal(script.run(), 'assign 1 to t1', 'nothing goes to one that closes')
})

/** One random step of the world. */
function play(world: ScheduleWorld, random: (below: number) => number): void {
  const pick = <V>(values: Iterable<V>): V | undefined => {
    const all = [...values]
    return all[random(Math.max(1, all.length))]
  }
  const thread = pick(world.threads.values())
  const routine = pick(world.routines.keys())
  const move = random(100)
  if (move < 3) world.takeBack(1 + random(4))
  else if (move < 28 && world.routines.size < 60) {
    const functions = ['a', 'b', 'c']
    const priority = random(8) === 0 ? random(3) - 1 : 0
    world.submit(random(2) === 0, priority, random(12) === 0, functions[random(3)])
  } else if (thread === undefined) return
  else if (thread.phase === 'opening') world.opened(thread.id)
  else if (thread.phase === 'closing') world.lose(thread.id)
  else if (move < 45) world.begin(thread.id)
  else if (move < 65) world.end(pick(thread.begun) ?? 0)
  else if (move < 75) world.park(thread.id)
  else if (move < 82) world.block(thread.id)
  else if (move < 88) world.unblock(thread.id)
  else if (move < 92) world.resume(thread.id)
  else if (move < 96) world.cancel(routine ?? 0)
  else if (move < 98) world.retire(thread.id)
  else if (move < 99) world.lose(thread.id)
}

/** Every thread goes on until nothing is left; false if that never comes. */
function settleAll(world: ScheduleWorld): boolean {
  for (let round = 0; round < 2_000 && world.routines.size > 0; round++) {
    for (const thread of [...world.threads.values()]) {
      if (thread.phase === 'opening') world.opened(thread.id)
      else if (thread.phase === 'closing') world.lose(thread.id)
      else {
        world.unblock(thread.id)
        world.begin(thread.id)
        // Every other round the routines end, in the rounds between they park.
        if (round % 2 === 0) for (const id of [...thread.begun]) world.end(id)
        else world.park(thread.id)
      }
      world.dispatch()
    }
  }
  return world.routines.size === 0
}

t.test('R1 to R9 hold for threads that do as they please', async (t) => {
  let settled = 0
  for (let seed = 1; seed <= 400; seed++) {
    const random = seeded(seed)
    const threads = 1 + random(3)
    const threadsMax = threads + random(4)
    const world = new ScheduleWorld(seed, {
      threads,
      threadsMax,
      threadsCeiling: threadsMax + 40,
      window: 1 + random(6),
    })
    for (let step = 0; step < 300; step++) {
      play(world, random)
      world.dispatch()
    }
    if (!settleAll(world)) world.broken('R2: every routine is settled when threads go on')
    settled += world.settled
  }
  t.comment(`${settled} routines`)
  t.ok(settled > 20_000)
})
