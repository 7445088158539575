/** Simulated links keep the contract of links. */
import t from 'tap'
import { Agenda } from '../../lib/sim/agenda.ts'
import { LocalClock } from '../../lib/sim/local-clock.ts'
import { Network } from '../../lib/sim/network.ts'
import { Random } from '../../lib/sim/random.ts'
import { type LinkOwner, type SimulatedEnd, SimulatedLink } from '../../lib/sim/simulated-link.ts'
import type { Link } from '../../lib/transport/contract.ts'
import { testTransport } from '../transport/suite.ts'

function ownerOf(agenda: Agenda, name: string): LinkOwner {
  const clock = new LocalClock(agenda, undefined, 1, 0)
  return { name, clock, isPaused: false, isDead: false, isReplaced: false, defer() {} }
}

/** A link whose time goes on for as long as it is used. */
async function makeLink() {
  const agenda = new Agenda()
  const delays = { leastMs: 0.1, mostMs: 20 }
  const network = new Network(agenda, new Random(1), delays)
  const [one, other] = [ownerOf(agenda, 'one'), ownerOf(agenda, 'other')]
  const { ends } = new SimulatedLink({ graceMs: 2_000, network }, one, other)
  let isReleased = false
  const drive = (): void => {
    agenda.step()
    if (!isReleased) setImmediate(drive)
  }
  setImmediate(drive)
  const release = async (): Promise<void> => {
    isReleased = true
  }
  return { ends: [ends[0], ends[1]] as [(typeof ends)[0], (typeof ends)[1]], release }
}

t.test('simulated links keep the contract of links', (t) => testTransport(t, makeLink))

/** One message that takes ten thousand times as long as those after it, and what comes of it. */
class SlowStart {
  readonly agenda = new Agenda()
  readonly network = new Network(this.agenda, new Random(1), { leastMs: 1, mostMs: 1 })
  readonly sender: Link
  /** What the other end heard. */
  readonly heard: string[] = []

  constructor() {
    const [one, other] = [ownerOf(this.agenda, 'one'), ownerOf(this.agenda, 'other')]
    const link = new SimulatedLink({ graceMs: 2_000, network: this.network }, one, other)
    const [near, far] = link.ends as [SimulatedEnd, SimulatedEnd]
    this.sender = near.open({ received: () => {}, closed: () => {} })
    far.open({
      received: (messages) => this.heard.push(...messages.map(([name]) => name)),
      closed: (error) => this.heard.push(error?.message ?? 'closed'),
    })
    this.network.slowness = 10_000
    this.sender.send(['present'])
    this.sender.flush()
    this.network.slowness = 1
  }

  /** Lets time go on up to that moment. */
  run(until: number): void {
    while (this.agenda.nextAt <= until) this.agenda.step()
  }
}

t.test('What is sent again over a new connection does not wait for the old one', async (t) => {
  const slow = new SlowStart()
  slow.run(1_500)
  t.equal(slow.heard.length, 1)
  slow.sender.send(['present'])
  slow.sender.flush()
  slow.run(1_600)
  t.same(slow.heard, ['present', 'present'])
})

t.test('Who is behind a connection that broke hears that the link was closed', async (t) => {
  const slow = new SlowStart()
  slow.sender.close()
  slow.run(1_500)
  t.same(slow.heard, ['present', 'closed'])
})

t.test('An end that was closed gives up after the grace time of its link', async (t) => {
  const slow = new SlowStart()
  slow.sender.close()
  slow.network.block('one', 'other')
  slow.run(4_000)
  t.same(slow.heard, [])
  slow.network.unblock('one', 'other')
  slow.run(5_000)
  t.same(slow.heard, ['The link to node one is lost: it gave it up'])
})
