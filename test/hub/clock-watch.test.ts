/** What is a jump of one of two clocks, and what only looks like one. */
import t from 'tap'
import { ClockWatch } from '../../lib/hub/clock-watch.ts'
import { Agenda } from '../../lib/sim/agenda.ts'
import { LocalClock } from '../../lib/sim/local-clock.ts'

/** Clocks of a thread that can be held up between the readings of two. */
class HeldUpClock extends LocalClock {
  readonly #agenda: Agenda
  /** The next reading of the clock on the wall takes so long. */
  heldUpMs = 0

  constructor(agenda: Agenda) {
    super(agenda, undefined, 1, 0)
    this.#agenda = agenda
  }

  override wallNow(): number {
    const wall = super.wallNow()
    this.#agenda.skipTo(this.#agenda.time + this.heldUpMs)
    this.heldUpMs = 0
    return wall
  }
}

function makeWatch(heldUpMs = 0) {
  const agenda = new Agenda()
  const clock = new HeldUpClock(agenda)
  clock.heldUpMs = heldUpMs
  return { agenda, clock, watch: new ClockWatch(clock) }
}

t.test('ClockWatch.jump() tells by how much a clock was set, once', async (t) => {
  const { agenda, clock, watch } = makeWatch()
  agenda.skipTo(1_000)
  t.equal(watch.jump(), 0)
  clock.setWall(300)
  t.equal(watch.jump(), 300)
  t.equal(watch.jump(), 0)
  clock.setWall(-40)
  t.equal(watch.jump(), -40)
  t.equal(watch.jump(), 0)
})

t.test('ClockWatch.jump() is 0 for a thread that is held up between two readings', async (t) => {
  const { clock, watch } = makeWatch()
  clock.heldUpMs = 400
  t.equal(watch.jump(), 0)
  t.equal(watch.jump(), 0, 'nor does it come back the other way')
  clock.heldUpMs = 400
  clock.setWall(1_000)
  t.equal(watch.jump(), 600, 'what is beyond the time of the readings is a jump')
})

t.test('ClockWatch.jump() sees all again after a first reading that was held up', async (t) => {
  const { clock, watch } = makeWatch(400)
  t.equal(watch.jump(), 0)
  clock.setWall(50)
  t.equal(watch.jump(), 50)
})
