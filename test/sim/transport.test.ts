/** Simulated links keep the contract of links. */
import t from 'tap'
import { Agenda } from '../../lib/sim/agenda.ts'
import { LocalClock } from '../../lib/sim/local-clock.ts'
import { Network } from '../../lib/sim/network.ts'
import { Random } from '../../lib/sim/random.ts'
import { type LinkOwner, SimulatedLink } from '../../lib/sim/simulated-link.ts'
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
