// One machine at a time. Invariants (M1..) and steps: docs/protocols/membership.md.
import t from 'tap'
import { clockDriftMax, clockJumpMsMax, placesMax, renewalsMax } from '../../lib/limits.ts'
import type { NodeInput, NodeOutput } from '../../lib/protocol/membership-node.ts'
import { mayServe, membershipNode, standingOf } from '../../lib/protocol/membership-node.ts'
import type { SpawnerInput, SpawnerOutput } from '../../lib/protocol/membership-spawner.ts'
import { membershipSpawner } from '../../lib/protocol/membership-spawner.ts'
import { membershipTimes } from '../../lib/protocol/membership-times.ts'
import type { Member } from '../../lib/wire/messages.ts'

const options = { nodeTimeoutMs: 5000, linkGraceMs: 2000 }
const times = membershipTimes(options)

function memberAt(place: number): Member {
  const name = `node-${place}`
  const rest = { host: '', port: 0, labels: [], threads: 1, incarnation: name }
  return { place, index: place, name, ...rest }
}

class Spawner {
  readonly state = membershipSpawner.initial(times)

  /** Outputs without the ones that ask for a tick. */
  say(input: SpawnerInput): readonly SpawnerOutput[] {
    return membershipSpawner.step(this.state, input).filter(({ type }) => type !== 'wake')
  }

  join(now: number, ...places: number[]): readonly SpawnerOutput[] {
    return this.say({ type: 'joined', members: places.map(memberAt), now })
  }

  /** What comes of it beside grants. */
  renew(now: number, ...places: number[]): SpawnerOutput[] {
    const outputs = places.flatMap((place) => this.say({ type: 'renew', place, nonce: now, now }))
    return outputs.filter(({ type }) => type !== 'grant')
  }

  report(now: number, from: number, place: number): void {
    this.say({ type: 'unreachable', from, place, now })
  }

  /** All stay in touch but for one, with a tick each time. */
  pass(from: number, to: number, ...places: number[]): SpawnerOutput[] {
    const outputs: SpawnerOutput[] = []
    for (let now = from; now <= to; now += times.renewEveryMs / 5) {
      if ((now - from) % times.renewEveryMs === 0) outputs.push(...this.renew(now, ...places))
      outputs.push(...this.say({ type: 'tick', now }))
    }
    return outputs
  }

  get places(): number[] {
    return [...this.state.members.keys()]
  }
}

class Node {
  readonly state = membershipNode.initial({ place: 1, times })

  constructor() {
    this.step({ type: 'started', now: 0 })
    this.view(1, 0, 1, 2)
  }

  step(input: NodeInput): readonly NodeOutput[] {
    return membershipNode.step(this.state, input)
  }

  say(input: NodeInput): readonly NodeOutput[] {
    return this.step(input).filter(({ type }) => type !== 'wake')
  }

  view(epoch: number, now: number, ...places: number[]): readonly NodeOutput[] {
    return this.say({ type: 'view', epoch, members: places.map(memberAt), now })
  }

  grant(nonce: number, now: number): void {
    this.step({ type: 'granted', nonce, epoch: 1, now })
  }
}

t.test('membershipTimes() keeps the inequalities that it states', async (t) => {
  for (const nodeTimeoutMs of [200, 5000, 60_000]) {
    const derived = membershipTimes({ nodeTimeoutMs, linkGraceMs: nodeTimeoutMs * 0.4 })
    const slowest = derived.leaseMs / (1 - clockDriftMax)
    const fastest = derived.waitMs / (1 + clockDriftMax)
    t.ok(slowest <= fastest + 1e-9, 'a lease by a slow clock ends before the wait by a fast one')
    t.ok(
      Math.max(derived.waitMs, derived.patienceMs) + derived.lateMs <= nodeTimeoutMs * 0.9 + 1e-9,
    )
    t.ok(derived.patienceMs >= derived.waitMs)
    t.ok(derived.renewEveryMs + derived.lateMs + 2 * derived.delayMsMax <= derived.leaseMs)
    t.ok(derived.delayMsMax > nodeTimeoutMs / 4)
    t.ok(derived.linkGraceMsMax > nodeTimeoutMs * 0.4, 'the defaults fit together')
  }
})

t.test('membershipSpawner.step() joined', async (t) => {
  t.test('M2: makes one view of all, and grants what they asked before', async (t) => {
    const spawner = new Spawner()
    t.strictSame(spawner.say({ type: 'renew', place: 2, nonce: 7, now: 0 }), [])
    t.strictSame(spawner.join(10, 2, 1), [
      { type: 'view', epoch: 1, members: [memberAt(1), memberAt(2)] },
      { type: 'grant', place: 2, nonce: 7, epoch: 1 },
    ])
    t.strictSame(spawner.join(20, 3), [
      { type: 'view', epoch: 2, members: [memberAt(1), memberAt(2), memberAt(3)] },
    ])
  })
  t.test('M5: refuses a place that was given before', async (t) => {
    const spawner = new Spawner()
    spawner.join(0, 1)
    t.throws(() => spawner.join(1, 1), TypeError)
    spawner.say({ type: 'left', place: 1, now: 1 })
    t.throws(() => spawner.join(2, 1), TypeError)
    t.throws(() => spawner.join(2, 0), TypeError)
    t.throws(() => spawner.join(2, placesMax), TypeError)
    t.strictSame(spawner.say({ type: 'renew', place: 1, nonce: 1, now: 3 }), [])
    t.equal(spawner.state.early.size, 0)
  })
})

t.test('membershipSpawner.step() M3: whoever is silent goes, and only it', async (t) => {
  const spawner = new Spawner()
  spawner.join(0, 1, 2)
  spawner.renew(0, 1, 2)
  t.strictSame(spawner.pass(0, 3900, 1), [])
  t.strictSame(spawner.pass(4000, 4000, 1), [
    { type: 'view', epoch: 2, members: [memberAt(1)] },
    { type: 'removed', place: 2, reason: 'silent', epoch: 2 },
  ])
})

t.test('membershipSpawner.step() linkLost', async (t) => {
  t.test('M1: waits until the last lease has run out, and grants no other', async (t) => {
    const spawner = new Spawner()
    spawner.join(0, 1, 2)
    spawner.renew(1000, 1, 2)
    t.strictSame(spawner.say({ type: 'linkLost', place: 2, dead: false, now: 1500 }), [])
    t.strictSame(spawner.say({ type: 'renew', place: 2, nonce: 9, now: 1600 }), [])
    t.strictSame(spawner.pass(2000, 4900, 1), [])
    t.match(spawner.pass(5000, 5000, 1)[1], { type: 'removed', place: 2, reason: 'cut off' })
  })
  t.test('removes at once what is surely dead', async (t) => {
    const spawner = new Spawner()
    spawner.join(0, 1, 2)
    spawner.renew(1000, 1, 2)
    const outputs = spawner.say({ type: 'linkLost', place: 2, dead: true, now: 1500 })
    t.match(outputs[1], { type: 'removed', place: 2, reason: 'dead', epoch: 2 })
    t.strictSame(spawner.say({ type: 'linkLost', place: 2, dead: true, now: 1501 }), [])
  })
  t.test('is overtaken by the end of the process', async (t) => {
    const spawner = new Spawner()
    spawner.join(0, 1)
    spawner.renew(1000, 1)
    spawner.say({ type: 'linkLost', place: 1, dead: false, now: 1500 })
    const outputs = spawner.say({ type: 'left', place: 1, now: 1600 })
    t.match(outputs[1], { type: 'removed', place: 1, reason: 'cut off' })
  })
})

t.test('membershipSpawner.step() M4: of two that cannot reach each other', async (t) => {
  const settled = (report: (spawner: Spawner) => void): number[] => {
    const spawner = new Spawner()
    spawner.join(0, 1, 2, 3)
    spawner.renew(0, 1, 2, 3)
    report(spawner)
    const outputs = spawner.pass(500, 6000, ...spawner.places)
    return outputs.flatMap((each) => (each.type === 'removed' ? [each.place] : []))
  }
  t.strictSame(
    settled((at) => at.report(10, 1, 2)),
    [2],
    'the higher place goes',
  )
  t.strictSame(
    settled((at) => at.report(10, 3, 1)),
    [3],
    'whoever says it',
  )
  const both = (at: Spawner): void => {
    at.report(10, 2, 3)
    at.report(400, 3, 2)
  }
  t.strictSame(settled(both), [3], 'once')
  const majority = (at: Spawner): void => {
    at.report(10, 2, 1)
    at.report(700, 1, 3)
  }
  t.strictSame(settled(majority), [1], 'but one that several cannot reach goes for all')
  const removed = (at: Spawner): void => {
    at.say({ type: 'left', place: 3, now: 5 })
    at.report(10, 2, 3)
  }
  t.strictSame(settled(removed), [], 'reports of the removed are late')
  const itself = (at: Spawner): void => {
    at.report(10, 2, 2)
    at.report(10, 2, 0)
    at.report(10, 9, 2)
  }
  t.strictSame(settled(itself), [], 'reports of no other member are none')
})

t.test(
  'membershipSpawner.step() M4: the one that is dead goes, not the one that says so',
  async (t) => {
    const spawner = new Spawner()
    spawner.join(0, 1, 2)
    spawner.renew(0, 1, 2)
    spawner.report(10, 2, 1)
    const outputs = spawner.pass(500, 5000, 2)
    t.match(outputs[0], { type: 'dismiss', place: 1 })
    t.strictSame(spawner.places, [2])
  },
)

t.test(
  'membershipSpawner.step() tick: what it was asked for is due then, however times are rounded',
  async (t) => {
    for (let at = 0; at < 1; at += 1 / 1009) {
      const { state } = new Spawner()
      const step = (input: SpawnerInput): number | undefined =>
        membershipSpawner.step(state, input).find((output) => output.type === 'wake')?.at
      step({ type: 'joined', members: [1, 2].map(memberAt), now: at })
      const dueAt = step({ type: 'unreachable', from: 1, place: 2, now: at * 3 }) ?? 0
      const nextAt = step({ type: 'tick', now: dueAt }) ?? Infinity
      if (nextAt <= dueAt) return t.fail(`reported at ${at * 3}: due at ${dueAt}, and again`)
    }
  },
)

t.test('membershipSpawner.step() M6: after a stop of its own it listens first', async (t) => {
  const spawner = new Spawner()
  spawner.join(0, 1, 2)
  spawner.renew(0, 1, 2)
  t.strictSame(spawner.say({ type: 'tick', now: 9000 }), [])
  spawner.renew(9001, 1)
  t.strictSame(spawner.pass(9100, 9400, 1), [])
  t.match(spawner.pass(9500, 9600, 1)[1], { type: 'removed', place: 2, reason: 'silent' })
})

t.test('membershipNode.step() lease', async (t) => {
  t.test('counts from the sending of the renewal', async (t) => {
    const node = new Node()
    t.equal(standingOf(node.state, 0), 'waiting')
    t.equal(mayServe(node.state, 0), false)
    node.grant(1, 300)
    t.equal(standingOf(node.state, 300), 'serving')
    t.ok(mayServe(node.state, times.leaseMs - 1))
    t.notOk(mayServe(node.state, times.leaseMs))
    t.equal(standingOf(node.state, times.leaseMs), 'expired', 'also before it is told')
  })
  t.test('is renewed again and again', async (t) => {
    const node = new Node()
    node.grant(1, 1)
    const nonces: number[] = []
    for (let now = 0; now < 60_000; now += 100) {
      for (const output of node.say({ type: 'tick', now })) {
        if (output.type !== 'renew') return t.fail(output.type)
        nonces.push(output.nonce)
        node.grant(output.nonce, now + 50)
      }
    }
    t.equal(nonces.length, 119)
    t.ok(mayServe(node.state, 60_000))
  })
  t.test('runs out once and for ever', async (t) => {
    const node = new Node()
    node.grant(1, 1)
    const [renew] = node.say({ type: 'tick', now: 3900 })
    t.strictSame(renew, { type: 'renew', nonce: 2 })
    const late: NodeInput = { type: 'granted', nonce: 2, epoch: 1, now: times.leaseMs }
    t.strictSame(node.say(late), [{ type: 'expired', reason: 'lease' }])
    t.strictSame(node.say(late), [])
    t.strictSame(node.say({ type: 'tick', now: 9000 }), [])
    t.notOk(mayServe(node.state, 0))
  })
  t.test('is not had by a grant of nothing, or of a view that has not come', async (t) => {
    const node = new Node()
    node.grant(5, 1)
    node.step({ type: 'granted', nonce: 1, epoch: 2, now: 1 })
    t.equal(standingOf(node.state, 1), 'waiting')
  })
  t.test('keeps no more renewals than may be granted', async (t) => {
    const node = new Node()
    for (let now = 0; now < 60_000; now += 100) node.say({ type: 'tick', now })
    t.equal(node.state.renewals.size, renewalsMax)
  })
})

t.test('membershipNode.step() ends with its link to the spawner, or when it is told', async (t) => {
  const lost = new Node()
  t.strictSame(lost.say({ type: 'spawnerLost', now: 1 }), [
    { type: 'expired', reason: 'spawner lost' },
  ])
  const removed = new Node()
  t.strictSame(removed.view(2, 1, 2), [{ type: 'expired', reason: 'removed' }])
})

t.test('membershipNode.step() clockJump', async (t) => {
  const node = new Node()
  node.grant(1, 1)
  t.strictSame(node.say({ type: 'clockJump', deltaMs: 200, now: 2 }), [])
  t.ok(mayServe(node.state, times.leaseMs - 201))
  t.notOk(mayServe(node.state, times.leaseMs - 200), 'a little shortens the lease')
  node.say({ type: 'clockJump', deltaMs: -200, now: 2 })
  t.notOk(mayServe(node.state, times.leaseMs - 200), 'and nothing makes it longer')
  const jump: NodeInput = { type: 'clockJump', deltaMs: clockJumpMsMax + 1, now: 3 }
  t.strictSame(node.say(jump), [{ type: 'expired', reason: 'clock' }])
  const waiting = new Node()
  t.strictSame(waiting.say(jump), [], 'whoever has no lease loses none')
  waiting.grant(1, 4)
  t.equal(standingOf(waiting.state, 4), 'waiting', 'nor gets one for what it sent before')
})

t.test('membershipNode.step() view', async (t) => {
  const node = new Node()
  t.strictSame(node.view(2, 1, 1, 3, 4), [
    { type: 'membersChanged', epoch: 2, joined: [memberAt(3), memberAt(4)], left: [memberAt(2)] },
  ])
  t.strictSame(node.view(2, 1, 1, 2), [], 'M2: of the same epoch is ignored')
  t.strictSame(node.view(1, 1, 1, 2), [], 'M2: of a lower epoch is ignored')
  t.strictSame([...node.state.members.keys()], [3, 4])
})

t.test('membershipNode.step() peerLost is reported once, of members alone', async (t) => {
  const node = new Node()
  const lost = (place: number): unknown => node.say({ type: 'peerLost', place, now: 1 })
  t.strictSame(lost(2), [{ type: 'unreachable', place: 2 }])
  t.strictSame(lost(2), [])
  t.strictSame(lost(3), [], 'not before it is a member')
  t.strictSame(lost(0), [], 'the spawner judges its own links')
  t.match(node.view(2, 2, 1, 2, 3).at(-1), { type: 'unreachable', place: 3 }, 'but then')
  node.view(3, 3, 1, 3)
  t.strictSame(lost(2), [], 'nor after it was removed')
})
