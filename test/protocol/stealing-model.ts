/**
 * Starters and nodes of a cluster, small enough that all orders of events can be walked through
 * (docs/protocols/placement.md). A *long* routine ends only when all others are over, so that what
 * is left behind one of them is seen: the world comes to rest before all is settled.
 *
 * Small messages of a link keep their order; one with a large value is overtaken by those of other
 * lanes. A planted `fault` shows that the rules would catch it.
 */
import {
  addNode,
  initialPlacement,
  place,
  removeNode,
  wait,
  waitAgain,
  withdraw,
} from '../../lib/protocol/placement.ts'
import { mayRun, type PlacedNode } from '../../lib/protocol/placement-state.ts'
import {
  findRecall,
  givenBack,
  markSent,
  mayGo,
  recallAnswered,
  recallSent,
  shareToGive,
} from '../../lib/protocol/recall.ts'
import { initialRoom, measureRoom } from '../../lib/protocol/room.ts'
import { type Model, type Move, Violation } from './explore.ts'
import {
  deliverable,
  type Message,
  nodeAt,
  placed,
  relink,
  type Script,
  type Served,
  type Starter,
  type StealingNode,
  type StealingOptions,
  type StealingState,
  send,
  settle,
} from './stealing-world.ts'

export class StealingModel implements Model<StealingState> {
  readonly #options: StealingOptions

  constructor(options: StealingOptions) {
    this.#options = options
  }

  initial(): StealingState {
    const { threads, starters = 1 } = this.#options
    const state: StealingState = {
      starters: [],
      nodes: [],
      links: new Map(),
      ...{ submitted: 0, settled: new Set(), begun: new Set(), returned: new Map() },
      ...{ losses: 0, cancels: 0 },
    }
    for (let at = 0; at < starters; at++) {
      const placement = initialPlacement(100 + at)
      const rest = { at: new Map(), since: new Map(), stopping: new Set<number>(), recalls: 0 }
      state.starters.push({ placement, ...rest, changed: false, armed: false })
      for (const [index, count] of threads.entries()) addNode(placement, placed(index + 1, count))
    }
    for (const [index, count] of threads.entries()) {
      const served = state.starters.map(() => {
        const told = {
          received: 0,
          allowedTold: 0,
          eagerTold: 0,
          loadTold: 0,
          askedAt: 0,
          hasNews: false,
        }
        return { ...told, open: new Set<number>() }
      })
      const node = { place: index + 1, threads: count, waiting: [], running: new Set<number>() }
      state.nodes.push({ ...node, served })
    }
    for (const node of state.nodes) this.#tellRoom(state, node)
    return state
  }

  #script(id: number): Script {
    return this.#options.routines[id - 1] as Script
  }

  #starterOf(id: number): number {
    return this.#script(id).starter ?? 0
  }

  #isOverButForLong(state: StealingState): boolean {
    return this.#options.routines.every(
      ({ long }, index) => long === true || state.settled.has(index + 1),
    )
  }

  moves(state: StealingState): Move[] {
    const { routines, losses = 0, cancels = 0 } = this.#options
    const moves: Move[] = []
    const isLarge = (id: number): boolean => this.#script(id).large === true
    const add = (kind: string, client: number, fault = false): void => {
      moves.push({ kind, client, fault })
    }
    if (state.submitted < routines.length) add('submit', state.submitted + 1)
    for (const [key, messages] of state.links) {
      for (const index of deliverable(messages, isLarge)) add(`deliver ${key}`, index)
    }
    for (const [index, { armed }] of state.starters.entries()) if (armed) add('look', index)
    for (const { place: at, waiting, running, threads } of state.nodes) {
      if (waiting.length > 0 && running.size < threads) add('begin', at)
      for (const id of running) {
        if (this.#script(id).long !== true || this.#isOverButForLong(state)) add('end', id)
      }
      if (state.losses < losses && state.nodes.length > 1) add('lose', at, true)
    }
    if (state.cancels < cancels) {
      for (const { at, stopping } of state.starters) {
        for (const id of at.keys()) if (!stopping.has(id)) add('cancel', id, true)
      }
    }
    return moves
  }

  apply(state: StealingState, { kind, client }: Move): void {
    for (const { placement } of state.starters) relink(placement)
    const [verb, ...rest] = kind.split(' ')
    switch (verb) {
      case 'submit':
        this.#submit(state, client)
        break
      case 'deliver':
        this.#deliver(state, rest.join(' '), client)
        break
      case 'look':
        this.#look(state, client)
        break
      case 'begin':
        this.#begin(state, nodeAt(state, client) as StealingNode)
        break
      case 'end':
        this.#end(state, client)
        break
      case 'lose':
        this.#lose(state, client)
        break
      case 'cancel':
        this.#cancel(state, client)
        break
    }
    for (const [index, starter] of state.starters.entries()) {
      this.#place(state, index)
      if (starter.armed || !starter.changed) continue
      starter.changed = false
      starter.armed = findRecall(starter.placement, false) !== undefined
      if (starter.armed) markSent(starter.placement)
    }
    for (const node of state.nodes) this.#tellRoom(state, node)
    this.#check(state)
  }

  #submit(state: StealingState, id: number): void {
    const { on = '', apart = '', priority = 0 } = this.#script(id)
    const starter = state.starters[this.#starterOf(id)] as Starter
    state.submitted = id
    starter.at.set(id, -1)
    starter.since.set(id, wait(starter.placement, id, false, priority, { on, apart }))
  }

  #place(state: StealingState, index: number): void {
    const starter = state.starters[index] as Starter
    const { placement, at } = starter
    for (let next = place(placement); next !== undefined; next = place(placement)) {
      const { id, node } = next
      if (at.get(id) !== -1) throw new Violation(`P1: ${id} is placed twice`)
      if (!mayRun(node, this.#script(id).on ?? '')) throw new Violation(`P3: ${id}`)
      at.set(id, node.place)
      starter.changed = true
      send(state, `s${index} n${node.place}`, ['order', id])
    }
  }

  #look(state: StealingState, index: number): void {
    const starter = state.starters[index] as Starter
    starter.armed = false
    const { placement } = starter
    starter.changed = true
    for (;;) {
      const next = findRecall(placement, true)
      if (next === undefined) return
      const { from, to, most } = next
      recallSent(placement, next)
      starter.recalls++
      send(state, `s${index} n${from.place}`, ['recall', most, to.name, from.sent])
    }
  }

  #deliver(state: StealingState, key: string, index: number): void {
    const message = state.links.get(key)?.splice(index, 1)[0] as Message
    if (state.links.get(key)?.length === 0) state.links.delete(key)
    const [from, to] = key.split(' ').map((end) => Number(end.slice(1))) as [number, number]
    if (key.startsWith('s')) this.#atNode(state, from, nodeAt(state, to), message)
    else this.#atStarter(state, to, from, message)
  }

  #atNode(
    state: StealingState,
    from: number,
    node: StealingNode | undefined,
    message: Message,
  ): void {
    if (node === undefined) return
    const served = node.served[from] as Served
    const { fault } = this.#options
    switch (message[0]) {
      case 'order':
        if (++served.received > served.allowedTold) throw new Violation('P2: room')
        if (served.received === served.askedAt && fault !== 'silent when the rest has come') {
          served.hasNews = true
        }
        served.open.add(message[1])
        node.waiting.push(message[1])
        return
      case 'cancel': {
        const id = message[1]
        if (!served.open.has(id)) return
        node.waiting = node.waiting.filter((one) => one !== id)
        node.running.delete(id)
        this.#over(state, node, id)
        return
      }
      case 'recall':
        if (message[3] > served.received) served.askedAt = message[3]
        return this.#giveBack(state, from, node, message[1], message[2])
    }
  }

  #giveBack(
    state: StealingState,
    from: number,
    node: StealingNode,
    most: number,
    name: string,
  ): void {
    const { fault } = this.#options
    const served = node.served[from] as Served
    const all =
      fault === 'returned though begun' ? [...node.running, ...node.waiting] : node.waiting
    // The first may be about to begin.
    const free = Math.max(0, node.threads - node.running.size)
    const mine = all.slice(free).filter((id) => {
      const { on = '', apart = '' } = this.#script(id)
      return served.open.has(id) && mayGo({ on, apart }, name, [])
    })
    const wanted = shareToGive(mine.length, most)
    for (const id of mine.slice(mine.length - wanted)) {
      node.waiting = node.waiting.filter((one) => one !== id)
      node.running.delete(id)
      served.open.delete(id)
      state.returned.set(id, (state.returned.get(id) ?? 0) + 1)
      send(state, `n${node.place} s${from}`, ['returned', id])
    }
    const left = fault === 'what is left is forgotten' ? 0 : mine.length - wanted
    send(state, `n${node.place} s${from}`, ['recalled', served.received, left])
  }

  #atStarter(state: StealingState, to: number, from: number, message: Message): void {
    const starter = state.starters[to] as Starter
    const { placement, at } = starter
    const { fault } = this.#options
    const counts = placement.nodes.find((one) => one.place === from)
    if (counts === undefined) return
    switch (message[0]) {
      case 'room':
        counts.allowed = Math.max(counts.allowed, message[1])
        counts.others = message[2]
        counts.eager = message[3] + message[4]
        counts.arrived = message[4]
        starter.changed = true
        return
      case 'recalled': {
        starter.changed = true
        recallAnswered(placement, from, message[1], message[2])
        if (fault === 'asked again and again') counts.asked.clear()
        return
      }
      case 'returned':
        if (at.get(message[1]) !== from) throw new Violation(`P1: ${message[1]} was not there`)
        return this.#returned(state, starter, counts, message[1])
      case 'over':
        if (at.get(message[1]) !== from) throw new Violation(`P1: ${message[1]} was not there`)
        counts.mine--
        return settle(state, starter, message[1])
    }
  }

  #returned(state: StealingState, starter: Starter, counts: PlacedNode, id: number): void {
    const { fault } = this.#options
    const { placement, at, since, stopping } = starter
    if (fault !== 'counted at both nodes') givenBack(counts)
    if (fault === 'room counted back') counts.sent--
    if (stopping.has(id)) return settle(state, starter, id)
    at.set(id, -1)
    if (fault === 'returned for nobody') return
    const { on = '', apart = '', priority = 0 } = this.#script(id)
    const order = { id, child: false, priority, since: since.get(id) as number }
    waitAgain(placement, { ...order, on, apart, from: counts.place })
  }

  #begin(state: StealingState, node: StealingNode): void {
    const id = node.waiting.shift() as number
    if (state.begun.has(id)) throw new Violation(`R1: ${id} begins twice`)
    state.begun.add(id)
    node.running.add(id)
  }

  #end(state: StealingState, id: number): void {
    const node = state.nodes.find(({ running }) => running.has(id)) as StealingNode
    node.running.delete(id)
    this.#over(state, node, id)
  }

  #over(state: StealingState, node: StealingNode, id: number): void {
    const starter = this.#starterOf(id)
    ;(node.served[starter] as Served).open.delete(id)
    send(state, `n${node.place} s${starter}`, ['over', id])
  }

  #lose(state: StealingState, at: number): void {
    state.losses++
    state.nodes = state.nodes.filter((node) => node.place !== at)
    for (const [index, starter] of state.starters.entries()) {
      state.links.delete(`s${index} n${at}`)
      state.links.delete(`n${at} s${index}`)
      const to = starter.placement.recalls.get(at)
      const stranded = removeNode(starter.placement, at)
      starter.changed = true
      if (this.#options.fault === 'recall kept when its node is lost' && to !== undefined) {
        starter.placement.recalls.set(at, to)
      }
      for (const id of stranded) settle(state, starter, id)
      for (const [id, where] of [...starter.at]) if (where === at) settle(state, starter, id)
    }
  }

  #cancel(state: StealingState, id: number): void {
    state.cancels++
    const index = this.#starterOf(id)
    const starter = state.starters[index] as Starter
    if (withdraw(starter.placement, id)) return settle(state, starter, id)
    starter.stopping.add(id)
    send(state, `s${index} n${starter.at.get(id)}`, ['cancel', id])
  }

  #tellRoom(state: StealingState, node: StealingNode): void {
    const waiting = Math.max(0, node.waiting.length - (node.threads - node.running.size))
    const running = Math.min(node.threads, node.running.size + node.waiting.length)
    const facts = { nowMs: 0, begun: 0, waiting, running, exhausted: false }
    const more = measureRoom(initialRoom(node.threads, 8), facts)
    const idle = Math.max(0, node.threads - running - waiting)
    for (const [index, served] of node.served.entries()) {
      const left = served.allowedTold - served.received
      const load = (node.waiting.length + node.running.size - served.open.size) / node.threads
      const hasMore = more > left && left <= more / 2
      const isEager = (idle > 0 && served.eagerTold <= served.received) || served.hasNews
      served.hasNews = false
      if (!hasMore && !isEager && Math.abs(load - served.loadTold) < 0.5) continue
      served.allowedTold = Math.max(served.allowedTold, served.received + more)
      served.eagerTold = served.received + idle
      served.loadTold = load
      const { allowedTold, received } = served
      send(state, `n${node.place} s${index}`, ['room', allowedTold, load, idle, received])
    }
  }

  #check(state: StealingState): void {
    for (const [id, times] of state.returned) {
      if (times > state.submitted) throw new Violation(`P7: ${id} was given back in vain`)
    }
    for (const { placement, recalls } of state.starters) {
      const sent = placement.nodes.reduce((sum, node) => sum + node.sent, 0)
      const most = (sent + 1) * this.#options.threads.length * this.#options.threads.length
      if (recalls > most) throw new Violation('P7: questions come to an end')
    }
  }

  atRest(state: StealingState): void {
    for (const { placement, at } of state.starters) {
      if (at.size > 0) throw new Violation(`P7: ${[...at.keys()]} are not over`)
      if (placement.waiting.size > 0 || placement.groups.size > 0) throw new Violation('P1: rest')
      if (placement.recalls.size > 0) throw new Violation('P7: a question has no answer')
      for (const { mine } of placement.nodes) if (mine !== 0) throw new Violation('P2: counts')
    }
    if (state.submitted < this.#options.routines.length) throw new Violation('not all came')
  }
}
