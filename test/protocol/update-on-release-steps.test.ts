/** The numbered steps of docs/protocols/update-on-release.md, with a real lock machine. */
import t from 'tap'
import type { LockState } from '../../lib/protocol/lock.ts'
import { lock } from '../../lib/protocol/lock.ts'
import { updateOnReleaseLock } from '../../lib/protocol/replica.ts'
import type {
  UpdateOnReleaseInput,
  UpdateOnReleaseOutput,
  UpdateOnReleaseState,
} from '../../lib/protocol/update-on-release.ts'
import { updateOnRelease } from '../../lib/protocol/update-on-release.ts'
import type {
  UpdateOnReleaseMessage,
  UpdateOnReleaseOperation,
} from '../../lib/wire/update-on-release-messages.ts'

/** Nodes 0, 1 and 2, of which 1 is the master, or more; every message is delivered at once. */
class Nodes {
  readonly states = new Map<number, UpdateOnReleaseState>()
  readonly locks: LockState = lock.initial()
  /** What threads were told: `client call answer`. */
  readonly told: string[] = []
  /** The last refusal in words. */
  said = ''
  /** Names of messages, with whom they went to. */
  sent: string[] = []
  readonly cells: string[] = []
  /** Messages to these nodes lie until they are taken out. */
  readonly held = new Set<number>()
  readonly #links: (readonly [from: number, to: number, UpdateOnReleaseMessage])[] = []
  #epoch = 0

  constructor(members: readonly number[] = [0, 1, 2], placement: 'first' | 'hash' = 'first') {
    const founders = members.filter((place) => place > 0).length
    for (const place of members) {
      this.states.set(place, updateOnRelease.initial({ place, founders, placement }))
    }
    this.view(members)
    this.sent = []
  }

  view(members: readonly number[]): void {
    this.#epoch += 1
    const view = { epoch: this.#epoch, members }
    for (const place of this.states.keys()) this.feed(place, { type: 'view', view, mayServe: true })
    this.run()
  }

  join(place: number, members: readonly number[]): void {
    const founders = 2
    this.states.set(place, updateOnRelease.initial({ place, founders, placement: 'first' }))
    this.view(members)
  }

  ask(place: number, client: number, call: number, operation: UpdateOnReleaseOperation): void {
    const rest = { owner: client, thread: client, blocking: true, mayServe: true }
    this.feed(place, { type: 'request', client, call, operation, ...rest })
    this.run()
  }

  feed(place: number, first: UpdateOnReleaseInput): void {
    const inputs = [first]
    for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
      const state = this.states.get(place) as UpdateOnReleaseState
      for (const output of updateOnRelease.step(state, input)) this.#perform(place, output, inputs)
    }
  }

  run(): void {
    for (;;) {
      const at = this.#links.findIndex(([, to]) => !this.held.has(to))
      const [taken] = at < 0 ? [] : this.#links.splice(at, 1)
      if (taken === undefined) return
      const [from, to, message] = taken
      this.feed(to, { type: 'message', from, message, mayServe: true })
    }
  }

  #perform(place: number, output: UpdateOnReleaseOutput, inputs: UpdateOnReleaseInput[]): void {
    if (output.type === 'send') {
      this.sent.push(`${output.message[0]} ${output.to}`)
      this.#links.push([place, output.to, output.message])
    } else if (output.type === 'answer') {
      this.told.push(`${output.client} ${output.call} ${JSON.stringify(output.answer)}`)
    } else if (output.type === 'refuse') {
      this.told.push(`${output.client} ${output.call} ${output.code.slice('ERR_GOAWAY_'.length)}`)
      this.said = output.message
    } else if (output.type === 'lockLost') {
      const code = output.code.slice('ERR_GOAWAY_'.length)
      this.told.push(`${output.client} loses ${output.token} ${code}`)
    } else if (output.type === 'cell') {
      this.cells.push(`${place} ${output.object}.${output.field} ${JSON.stringify(output.state)}`)
    } else if (output.type === 'lock') {
      this.lockStep({ ...output, type: 'request' }, inputs)
    } else if (output.type === 'lockForget') {
      this.lockStep({ ...output, type: 'forget' }, inputs)
    }
  }

  lockStep(input: Parameters<typeof lock.step>[1], inputs: UpdateOnReleaseInput[] = []): void {
    for (const output of lock.step(this.locks, input)) {
      if (output.type === 'granted') {
        inputs.push({ type: 'lockGranted', lock: output.lock, token: output.token })
      } else if (output.type === 'freed') {
        inputs.push({ type: 'lockFreed', lock: output.lock, token: output.token })
      } else if (output.type === 'answer') {
        const { client, call, answer } = output
        inputs.push({ type: 'lockAnswered', client, call, token: answer ?? 0, mayServe: true })
      } else if (output.type === 'refuse') {
        const { client, call, code, message } = output
        inputs.push({ type: 'lockRefused', client, call, code, message, mayServe: true })
      }
    }
  }

  /** What was told since it was asked last. */
  news(): string[] {
    return this.told.splice(0)
  }
}

const write = (token: number, x: number, all = false): UpdateOnReleaseOperation => {
  return ['release', 'o', token, [['x', x]], all, null]
}

t.test('step 4: a release shows everywhere at once, and costs n + 3 messages', async (t) => {
  for (const others of [1, 2, 7]) {
    const members = Array.from({ length: others + 2 }, (_, place) => place)
    const nodes = new Nodes(members)
    nodes.ask(2, 20, 1, ['acquire', 'o'])
    nodes.ask(2, 20, 2, [
      'release',
      'o',
      1,
      [
        ['x', 1],
        ['y', 2],
      ],
      false,
      null,
    ])
    t.same(nodes.news(), ['20 1 1', '20 2 1'])
    t.equal(nodes.sent.length, members.length + 3)
    for (const place of members) {
      nodes.ask(place, 90, 1, ['entries', 'o'])
      t.same(nodes.news(), ['90 1 [["x",1,1],["y",1,2]]'])
    }
    t.equal(nodes.cells.length, 2 * members.length)
    nodes.sent = []
    nodes.ask(1, 10, 1, ['acquire', 'o'])
    nodes.ask(1, 10, 2, write(2, 3))
    t.equal(nodes.sent.length, members.length - 1, 'of a thread of the master')
    nodes.sent = []
    nodes.ask(2, 20, 3, ['acquire', 'o'])
    nodes.ask(2, 20, 4, write(3, 4, true))
    t.equal(nodes.sent.length, 2 + 2 * members.length, 'with ackAll')
    nodes.sent = []
    nodes.ask(2, 20, 5, ['get', 'o', 'x', 0])
    t.same(nodes.sent, [], 'a read sends nothing')
  }
})

t.test('step 3: outside of a release no write is taken', async (t) => {
  const nodes = new Nodes()
  nodes.ask(1, 10, 1, ['acquire', 'o'])
  nodes.ask(1, 10, 2, ['set', 'o', 'x', 1, null])
  nodes.ask(1, 10, 3, ['add', 'o', 'x', 1, null])
  nodes.ask(1, 10, 4, ['delete', 'o', 'x', null])
  const refused = [2, 3, 4].map((call) => `10 ${call} LOCK_NOT_HELD`)
  t.same(nodes.news(), ['10 1 1', ...refused])
})

t.test('step 4: a release with another token is STALE_TOKEN, and writes nothing', async (t) => {
  const nodes = new Nodes()
  nodes.ask(0, 1, 1, ['acquire', 'o'])
  nodes.ask(0, 1, 2, write(1, 1))
  nodes.ask(2, 20, 1, ['acquire', 'o'])
  nodes.ask(0, 1, 3, write(1, 5))
  nodes.ask(0, 1, 4, write(2, 5))
  nodes.ask(0, 1, 5, ['get', 'o', 'x', 0])
  t.same(nodes.news().slice(3), ['1 3 STALE_TOKEN', '1 4 STALE_TOKEN', '1 5 [1,1]'])
  nodes.ask(2, 20, 2, write(2, 6))
  t.same(nodes.news(), ['20 2 2'], 'the holder may still')
})

t.test('step 4: a stale fence ends the section and applies nothing', async (t) => {
  const nodes = new Nodes()
  nodes.ask(2, 20, 1, ['acquire', 'o'])
  nodes.feed(1, { type: 'lockGranted', lock: 'l', token: 7 })
  nodes.ask(2, 20, 2, ['release', 'o', 1, [['x', 1]], false, [['l', 6]]])
  nodes.ask(0, 1, 1, ['acquire', 'o'])
  nodes.ask(0, 1, 2, ['get', 'o', 'x', 0])
  nodes.ask(0, 1, 3, ['release', 'o', 2, [['x', 1]], false, [['l', 7]]])
  t.same(nodes.news(), ['20 1 1', '20 2 STALE_TOKEN', '1 1 2', '1 2 [0,null]', '1 3 1'])
})

t.test('step 4: of a lock that another node serves, a smaller token is stale', async (t) => {
  const nodes = new Nodes([0, 1, 2], 'hash')
  const names = Array.from({ length: 20 }, (_, index) => `l${index}`)
  for (const [index, name] of names.entries()) {
    for (const [step, token] of [7, 6].entries()) {
      const call = index * 4 + step * 2 + 1
      nodes.ask(1, 10, call, ['acquire', 'o'])
      const held = nodes.locks.locks.get(updateOnReleaseLock('o'))?.token ?? 0
      nodes.ask(1, 10, call + 1, ['release', 'o', held, [['x', 1]], false, [[name, token]]])
    }
  }
  const stale = nodes.news().filter((told) => told.includes('STALE'))
  // Where the lock is the master's own both are, since nobody holds it.
  const foreign = 2 * names.length - stale.length
  t.ok(foreign > 0 && foreign < names.length, `${foreign} locks are served by node 2`)
})

t.test('step 2: a wait for an object and a lock in a circle is a deadlock', async (t) => {
  const nodes = new Nodes()
  const acquire = (client: number, call: number): void => {
    const rest = { owner: client, thread: client, blocking: true }
    nodes.lockStep({ type: 'request', client, call, operation: ['acquire', 'l'], ...rest })
  }
  acquire(10, 1)
  nodes.ask(2, 20, 1, ['acquire', 'o'])
  acquire(20, 2)
  nodes.ask(1, 10, 2, ['acquire', 'o'])
  t.same(nodes.news(), ['20 1 2', '10 2 DEADLOCK'])
  t.match(nodes.said, /^acquire object "o": it would wait for itself: .* waits for lock "l" of/)
})

t.test('step 6: ackAll waits for every member, until it is removed', async (t) => {
  const nodes = new Nodes()
  nodes.ask(1, 10, 1, ['acquire', 'o'])
  nodes.held.add(2)
  nodes.ask(1, 10, 2, write(1, 1, true))
  t.same(nodes.news(), ['10 1 1'])
  nodes.view([0, 1])
  t.same(nodes.news(), ['10 2 1'])
})

t.test('step 7: init writes what is absent and was never named, once', async (t) => {
  const nodes = new Nodes()
  nodes.ask(0, 1, 1, [
    'init',
    'o',
    [
      ['x', 1],
      ['y', 1],
    ],
  ])
  nodes.ask(2, 20, 1, [
    'init',
    'o',
    [
      ['x', 2],
      ['z', 2],
      ['z', 3],
    ],
  ])
  nodes.ask(2, 20, 2, ['entries', 'o'])
  t.same(nodes.news(), ['1 1 null', '20 1 null', '20 2 [["x",1,1],["y",1,1],["z",2,2]]'])
  nodes.ask(2, 20, 3, ['acquire', 'o'])
  nodes.ask(2, 20, 4, ['release', 'o', 1, [['x']], false, null])
  nodes.ask(0, 1, 2, ['init', 'o', [['x', 4]]])
  nodes.ask(0, 1, 3, ['keys', 'o'])
  t.same(nodes.news().at(-1), '1 3 ["y","z"]')
})

t.test('step 8: a lock that was granted to a call that is forgotten passes on', async (t) => {
  const nodes = new Nodes()
  nodes.held.add(2)
  nodes.ask(2, 20, 1, ['acquire', 'o'])
  nodes.ask(0, 1, 1, ['acquire', 'o'])
  nodes.feed(2, { type: 'forget', client: 20, call: 1 })
  nodes.run()
  t.same(nodes.news(), ['1 1 2'])
  nodes.held.clear()
  nodes.run()
  t.same(nodes.news(), [], 'the grant finds no call')
})

t.test('step 9: the end of a routine drops its waits and frees its locks', async (t) => {
  const nodes = new Nodes()
  nodes.ask(2, 20, 1, ['acquire', 'o'])
  nodes.ask(0, 1, 1, ['acquire', 'o'])
  nodes.ask(1, 10, 1, ['acquire', 'o'])
  nodes.feed(0, { type: 'ownerEnded', client: 1, owner: 1 })
  nodes.run()
  t.same(nodes.news(), ['20 1 1', '1 1 CANCELLED'])
  // The lock machine hears of it too, and by another way: it leaves the object's lock alone.
  nodes.lockStep({ type: 'ownerEnded', client: 20, owner: 20 })
  nodes.lockStep({ type: 'clientLost', client: 20 })
  nodes.ask(2, 20, 0, write(1, 1))
  t.same(nodes.news(), ['10 1 2'])
  nodes.feed(1, { type: 'clientLost', client: 10 })
  t.equal(nodes.locks.locks.size, 0)
})

t.test('steps 1, 10: a node joins, and what it held when it is removed passes on', async (t) => {
  const nodes = new Nodes()
  nodes.ask(0, 1, 1, ['acquire', 'o'])
  nodes.ask(0, 1, 2, write(1, 1))
  nodes.join(5, [0, 1, 2, 5])
  nodes.ask(5, 50, 1, ['get', 'o', 'x', 0])
  nodes.ask(5, 50, 2, ['acquire', 'o'])
  nodes.ask(0, 1, 3, ['acquire', 'o'])
  t.same(nodes.news(), ['1 1 1', '1 2 1', '50 1 [1,1]', '50 2 2'])
  nodes.view([0, 1, 2])
  nodes.ask(0, 1, 4, ['get', 'o', 'x', 0])
  t.same(nodes.news(), ['50 loses 2 NODE_LOST', '1 3 3', '1 4 [1,1]'])
})

t.test(
  'step 11: without the master replicas stay readable, and nothing else goes on',
  async (t) => {
    const nodes = new Nodes()
    nodes.ask(0, 1, 1, ['acquire', 'o'])
    nodes.ask(0, 1, 2, write(1, 1))
    nodes.ask(0, 1, 3, ['acquire', 'o'])
    nodes.ask(2, 20, 1, ['acquire', 'o'])
    nodes.ask(2, 20, 2, ['wait', 'o', 'x', 1])
    nodes.news()
    nodes.view([0, 2])
    t.same(nodes.news(), ['1 loses 2 MASTER_LOST', '20 1 MASTER_LOST', '20 2 MASTER_LOST'])
    nodes.ask(0, 1, 4, write(2, 2))
    nodes.ask(2, 20, 3, ['tryAcquire', 'o'])
    nodes.ask(2, 20, 4, ['get', 'o', 'x', 0])
    nodes.ask(2, 20, 5, ['wait', 'o', 'x', 1])
    t.same(nodes.news(), ['1 4 MASTER_LOST', '20 3 MASTER_LOST', '20 4 [1,1]', '20 5 MASTER_LOST'])
  },
)

t.test('step 12: whoever may not serve refuses what waits and what comes, for ever', async (t) => {
  const nodes = new Nodes()
  nodes.held.add(1)
  nodes.ask(2, 20, 1, ['init', 'o', [['x', 1]]])
  nodes.ask(2, 20, 2, ['acquire', 'o'])
  nodes.feed(2, { type: 'message', from: 1, message: ['snapshot', 0, 0], mayServe: false })
  t.same(nodes.news(), ['20 1 NODE_LOST', '20 2 NODE_LOST'])
  nodes.held.clear()
  nodes.run()
  nodes.ask(2, 20, 3, ['get', 'o', 'x', 0])
  t.same(nodes.news(), ['20 3 NODE_LOST'])
})

t.test('step 12: whoever holds a lock at a node whose lease is over is told', async (t) => {
  const nodes = new Nodes()
  nodes.ask(2, 20, 1, ['acquire', 'o'])
  nodes.ask(1, 10, 1, ['acquire', 'n'])
  nodes.news()
  nodes.feed(2, { type: 'leaseOver', mayServe: false })
  nodes.feed(1, { type: 'leaseOver', mayServe: false })
  t.same(nodes.news(), ['20 loses 1 NODE_LOST', '10 loses 2 NODE_LOST'])
  nodes.ask(2, 20, 2, write(1, 1))
  t.same(nodes.news(), ['20 2 NODE_LOST'])
})
