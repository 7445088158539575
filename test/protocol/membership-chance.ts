/**
 * The world of membership run by chance, in milliseconds, with clocks that drift: messages are
 * late, links break and come back or are cut, processes stop, sleep, die and come back with another
 * place. A seed is one run.
 */
import { clockDriftMax } from '../../lib/limits.ts'
import { membershipTimes } from '../../lib/protocol/membership-times.ts'
import { randomOf } from '../hub/random.ts'
import {
  checkHealthy,
  checkLeases,
  checkPairs,
  checkSettled,
  checkSilence,
  touched,
} from './membership-monitor.ts'
import type { NodeProcess, Steps, World, WorldOptions } from './membership-world.ts'
import {
  advance,
  bury,
  clockOf,
  cut,
  cutPair,
  initialWorld,
  join,
  kill,
  nodeAt,
  noticePair,
  resumeSpawner,
  takeDown,
  takeUp,
  tellNode,
  tellSpawner,
  tickNode,
  tickSpawner,
  wakeUp,
} from './membership-world.ts'

const nodeTimeout = 1000
const linkGrace = 400
const stepMs = 10
const faultsUntil = 5000
const endsAt = 8000
const delayMax = 60
const breakMax = 250
const shortStopMax = 150

/** What came about in a run, so that a test can tell that everything did. */
export interface Run {
  readonly removed: number
  readonly expired: number
  readonly healthy: number
  readonly came: number
}

class Chance {
  readonly random: () => number
  readonly options: WorldOptions
  readonly world: World
  /** What is to happen, and when, in true time. */
  plan: (readonly [at: number, act: () => void])[] = []
  readonly brokenUntil = new Map<number, number>()
  /** Since when nothing of a node's can be heard, by place. */
  readonly silentSince = new Map<number, number>()
  /** A long stop of the spawner takes all leases with it. */
  spawnerMayStopLong: boolean
  lastPlace: number

  constructor(seed: number, steps: Steps) {
    const random = randomOf(seed)
    this.random = random
    this.spawnerMayStopLong = random() < 0.2
    this.lastPlace = 1 + Math.floor(random() * 4)
    const rates = Array.from({ length: 64 }, () => {
      return 1 + clockDriftMax * Math.min(1, Math.max(-1, random() * 4 - 2))
    })
    this.options = {
      nodes: this.lastPlace,
      times: Object.freeze(membershipTimes({ nodeTimeoutMs: nodeTimeout, linkGraceMs: linkGrace })),
      nodeTimeout,
      rates,
      steps,
      arrival: (now) => now + random() * delayMax,
    }
    this.world = initialWorld(this.options)
  }

  run(): Run {
    const { world } = this
    while (world.time < endsAt) {
      advance(this.options, world, stepMs)
      const due = this.plan.filter(([at]) => at <= world.time)
      this.plan = this.plan.filter(([at]) => at > world.time)
      for (const [, act] of due) act()
      for (const node of world.nodes.values()) this.deliver(node)
      for (const node of world.nodes.values()) this.endExpired(node)
      if (world.time < faultsUntil && this.random() < 0.01) this.fault()
      this.check()
    }
    const { settleMs, waitMs } = this.options.times
    checkSettled(world, endsAt - (settleMs + waitMs) * 1.1)
    const nodes = [...world.nodes.values()]
    return {
      removed: world.monitor.removedAt.size,
      expired: nodes.filter(({ state }) => state.expired).length,
      healthy: nodes.filter(({ place }) => !world.monitor.touched.has(place)).length,
      came: world.nodes.size - this.options.nodes,
    }
  }

  check(): void {
    const { world } = this
    checkLeases(world)
    checkSilence(world, nodeTimeout)
    checkPairs(world)
    if (!this.spawnerMayStopLong) checkHealthy(world)
    if (!world.process.running) return
    for (const [place, since] of this.silentSince) {
      if (!world.spawner.members.has(place)) continue
      // What was under way when it fell silent may still have been heard.
      if (world.time - since <= nodeTimeout + delayMax + breakMax) continue
      throw new Error(`M3: ${place} is silent since ${since}, and a member at ${world.time}`)
    }
  }

  deliver(node: NodeProcess): void {
    const { world, options } = this
    if ((this.brokenUntil.get(node.place) ?? 0) > world.time) return
    const now = world.time
    while (world.process.running && (node.up[0]?.[1] ?? Infinity) <= now) {
      takeUp(options, world, node)
    }
    while (node.alive && node.running && (node.down[0]?.[1] ?? Infinity) <= now) {
      takeDown(options, world, node)
    }
  }

  /** A process that serves no more ends soon; whether that is seen is chance. */
  endExpired(node: NodeProcess): void {
    if (!node.alive || !node.running || !node.state.expired || this.random() < 0.9) return
    node.alive = false
    cut(this.world, node)
    if (this.random() < 0.5) this.later(100, () => this.whileRunning(() => this.bury(node)))
    if (this.random() < 0.5) this.later(500, () => this.rejoin())
  }

  bury(node: NodeProcess): void {
    if (!node.spawnerTold) bury(this.options, this.world, node)
  }

  rejoin(): void {
    if (!this.world.process.running) return
    this.lastPlace += 1
    join(this.options, this.world, this.lastPlace)
  }

  later(within: number, act: () => void): void {
    this.plan.push([this.world.time + this.random() * within, act])
  }

  /** The spawner takes it when it goes on. */
  whileRunning(act: () => void): void {
    if (this.world.process.running) act()
    else this.later(50, () => this.whileRunning(act))
  }

  fault(): void {
    const { world } = this
    const alive = [...world.nodes.values()].filter(({ alive, state }) => alive && !state.expired)
    const node = alive[Math.floor(this.random() * alive.length)]
    const other = alive[Math.floor(this.random() * alive.length)]
    if (node === undefined || other === undefined || !node.running) return
    const dice = Math.floor(this.random() * 8)
    if (dice === 0) this.kill(node)
    else if (dice === 1) this.stop(node)
    else if (dice === 2) this.suspend(node)
    else if (dice === 3) this.cut(node)
    else if (dice === 4 && node !== other) this.cutPair(node, other)
    else if (dice === 5) this.stopSpawner()
    else if (dice === 6) this.rejoin()
    else if ((this.brokenUntil.get(node.place) ?? 0) < world.time - nodeTimeout) {
      this.brokenUntil.set(node.place, world.time + this.random() * breakMax)
    }
  }

  kill(node: NodeProcess): void {
    this.silentSince.set(node.place, this.world.time)
    kill(this.world, node)
    if (this.random() < 0.5) this.later(300, () => this.whileRunning(() => this.bury(node)))
    if (this.random() < 0.5) this.later(1000, () => this.rejoin())
  }

  stop(node: NodeProcess): void {
    touched(this.world, node.place)
    this.silentSince.set(node.place, this.world.time)
    node.running = false
    this.later(this.random() < 0.5 ? 300 : 3000, () => {
      node.running = true
      this.silentSince.delete(node.place)
      // Its messages or its timer: either may come first.
      if (this.random() < 0.5) this.deliver(node)
      if (node.alive) tickNode(this.options, this.world, node)
    })
  }

  suspend(node: NodeProcess): void {
    const { world } = this
    touched(world, node.place)
    this.silentSince.set(node.place, world.time)
    node.running = false
    const since = world.time
    // A machine that sleeps can do nothing: what its still clock says is of no account.
    node.alive = false
    this.later(this.random() < 0.5 ? 300 : 3000, () => {
      node.alive = true
      this.silentSince.delete(node.place)
      wakeUp(this.options, world, node, world.time - since)
    })
  }

  cut(node: NodeProcess): void {
    if (!node.linked) return
    this.silentSince.set(node.place, this.world.time)
    cut(this.world, node)
    const within = this.random() < 0.3 ? 5000 : linkGrace
    this.later(within, () =>
      this.whileRunning(() => {
        if (!node.spawnerTold) tellSpawner(this.options, this.world, node)
      }),
    )
    this.later(within, () => {
      if (node.alive && node.running) tellNode(this.options, this.world, node)
    })
  }

  cutPair(one: NodeProcess, other: NodeProcess): void {
    cutPair(this.world, one, other)
    for (const node of [one, other]) {
      this.later(linkGrace, () => {
        if (node.alive && node.running) noticePair(this.options, this.world, node)
      })
    }
  }

  stopSpawner(): void {
    const { world } = this
    if (!world.process.running) return
    world.process.running = false
    this.later(this.spawnerMayStopLong ? 2000 : shortStopMax, () => {
      resumeSpawner(world)
      this.silentSince.forEach((since, place) => {
        this.silentSince.set(place, Math.max(since, world.time))
      })
      if (this.random() < 0.5) for (const node of world.nodes.values()) this.deliver(node)
      tickSpawner(this.options, world)
    })
  }
}

export function runByChance(seed: number, steps: Steps): Run {
  const chance = new Chance(seed, steps)
  try {
    return chance.run()
  } catch (error) {
    const { world } = chance
    const clock = clockOf(world, world.process)
    const message = error instanceof Error ? error.message : String(error)
    const nodes = [...world.nodes.keys()].map((place) => nodeAt(world, place).state.expired)
    throw new Error(`seed ${seed} at ${world.time} (${clock}; ${nodes}): ${message}`)
  }
}
