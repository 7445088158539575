/** docs/protocols/placement.md, played from seeds against its invariants. */
import t from 'tap'
import { aheadMs } from '../../lib/limits.ts'
import {
  addNode,
  initialPlacement,
  place,
  removeNode,
  waitAgain,
  wait as waitWith,
  withdraw,
} from '../../lib/protocol/placement.ts'
import type { PlacedNode, PlacementState } from '../../lib/protocol/placement-state.ts'
import { initialRoom, measureRoom, type RoomFacts } from '../../lib/protocol/room.ts'
import { seeded } from './schedule-world.ts'

function node(at: number, more: Partial<PlacedNode> = {}): PlacedNode {
  const tracked = { eager: 0, arrived: 0, marked: 0, asked: new Map() }
  const counts = { allowed: 100, sent: 0, mine: 0, others: 0, ...tracked }
  return { place: at, index: at, name: `node-${at}`, labels: [], threads: 2, ...counts, ...more }
}

function stateWith(nodes: readonly PlacedNode[], own = 0): PlacementState {
  const state = initialPlacement(own)
  for (const one of nodes) addNode(state, one)
  return state
}

function wait(
  state: PlacementState,
  id: number,
  child: boolean,
  priority: number,
  on: string,
  apart = '',
): void {
  waitWith(state, id, child, priority, { on, apart })
}

/** All that can be placed now, as `id@place`. */
function placeAll(state: PlacementState): string[] {
  const placed: string[] = []
  for (let next = place(state); next !== undefined; next = place(state)) {
    placed.push(`${next.id}@${next.node.place}`)
  }
  return placed
}

t.test('Equally loaded nodes are taken in the order of the file, the spawner last', async (t) => {
  const state = stateWith([node(0), node(2), node(1)])
  for (let id = 1; id <= 6; id++) wait(state, id, false, 0, '')
  t.same(placeAll(state), ['1@1', '2@2', '3@0', '4@1', '5@2', '6@0'])
})

t.test('A node that came back keeps its place in the file', async (t) => {
  const state = stateWith([node(0), node(7, { index: 1 }), node(2)])
  for (let id = 1; id <= 2; id++) wait(state, id, false, 0, '')
  t.same(placeAll(state), ['1@7', '2@2'])
})

t.test('A child stays where its parent is, if no node is less loaded', async (t) => {
  const state = stateWith([node(0), node(1), node(2)], 2)
  wait(state, 1, true, 0, '')
  t.same(placeAll(state), ['1@2'])
  wait(state, 2, true, 0, '')
  t.same(placeAll(state), ['2@1'])
})

t.test('The least loaded node goes first, for its number of threads', async (t) => {
  const big = node(2, { threads: 8, others: 0.25 })
  const state = stateWith([node(1, { mine: 1 }), big])
  for (let id = 1; id <= 4; id++) wait(state, id, false, 0, '')
  t.same(placeAll(state), ['1@2', '2@2', '3@1', '4@2'], 'at half a routine a thread both are equal')
})

t.test('Order: priority, children before roots, last child first, first root first', async (t) => {
  const state = stateWith([node(1, { allowed: 0 })])
  const one = state.nodes[0] as PlacedNode
  wait(state, 1, false, 0, '')
  wait(state, 2, false, 0, 'node-1')
  wait(state, 3, true, 0, '')
  wait(state, 4, true, 0, 'node-1')
  wait(state, 5, false, 9, '')
  t.same(placeAll(state), [], 'P2: nothing is allowed')
  one.allowed = 100
  t.same(placeAll(state), ['5@1', '4@1', '3@1', '1@1', '2@1'])
})

t.test('What is given back stands where it stood, from whichever node it comes', async (t) => {
  const state = stateWith([node(1, { allowed: 2 }), node(2, { allowed: 2 })])
  for (const id of [1, 2, 3]) wait(state, id, false, 0, '')
  for (const id of [4, 5]) wait(state, id, true, 0, '')
  t.same(placeAll(state), ['5@1', '4@2', '1@1', '2@2'])
  wait(state, 6, true, 0, '')
  const rest = { priority: 0, on: '', apart: '', from: 1 }
  for (const id of [5, 4]) waitAgain(state, { id, child: true, since: id - 1, ...rest })
  for (const id of [1, 2]) waitAgain(state, { id, child: false, since: id - 1, ...rest })
  for (const one of state.nodes) one.allowed = 100
  const order = placeAll(state).map((one) => one.slice(0, 1))
  t.same(order, ['6', '5', '4', '1', '2', '3'])
})

t.test('What waits for a node with no room keeps nobody else waiting', async (t) => {
  const state = stateWith([node(1, { allowed: 0, labels: ['big'] }), node(2)])
  for (const id of [1, 2]) wait(state, id, false, 5, 'big')
  wait(state, 3, false, 0, '')
  t.same(placeAll(state), ['3@2'])
  t.same(removeNode(state, 1), [1, 2], 'P1: what no node may run is given back')
  t.equal(state.waiting.size, 0)
})

t.test('A node without threads is sent nothing', async (t) => {
  const state = stateWith([node(0, { threads: 0 }), node(1)])
  for (let id = 1; id <= 4; id++) wait(state, id, false, 0, '')
  t.ok(placeAll(state).every((one) => one.endsWith('@1')))
})

/** Routines come, are withdrawn, begin at their nodes and end; nodes come and go. */
function play(seed: number): void {
  const random = seeded(seed)
  const labels = [['big'], ['big', 'gpu'], [], ['gpu']]
  const state = initialPlacement(0)
  const waiting = new Map<number, string>()
  const broken = (rule: string): never => {
    throw new Error(`${rule} is broken, seed ${seed}`)
  }
  let nextId = 1
  let nextPlace = 0
  const join = (): void => {
    const at = nextPlace++
    const own = labels[at % labels.length] as string[]
    addNode(state, node(at, { allowed: random(4), threads: 1 + random(3), labels: own }))
  }
  join()
  join()
  for (let step = 0; step < 400; step++) {
    const some = state.nodes[random(state.nodes.length)] as PlacedNode
    switch (random(6)) {
      case 0:
      case 1: {
        const on = ['', 'big', 'gpu', some.name][random(4)] as string
        const isKnown = state.nodes.some((one) => on === '' || one.name === on || has(one, on))
        if (!isKnown) break
        waiting.set(nextId, on)
        wait(state, nextId++, random(2) === 1, random(3), on)
        break
      }
      case 2:
        some.allowed += random(3)
        break
      case 3:
        if (some.mine > 0) some.mine--
        break
      case 4: {
        const id = 1 + random(nextId)
        if (withdraw(state, id) !== waiting.delete(id)) broken('P1: only what waits is withdrawn')
        break
      }
      default:
        if (random(4) === 0 && state.nodes.length < 6) join()
        else if (random(8) === 0 && state.nodes.length > 2) {
          for (const id of removeNode(state, some.place)) {
            if (!waiting.delete(id)) broken('P1: only what waits is given back')
          }
        }
    }
    for (let next = place(state); next !== undefined; next = place(state)) {
      const on = waiting.get(next.id) ?? broken('P1: nothing is placed twice')
      if (!waiting.delete(next.id)) broken('P1')
      if (next.node.sent > next.node.allowed) broken('P2: room')
      if (on !== '' && next.node.name !== on && !has(next.node, on)) broken('P3: the wish')
    }
    if (state.waiting.size !== waiting.size) broken('P1: nothing is lost')
  }
  for (const one of state.nodes) one.allowed = Infinity
  if (placeAll(state).length !== waiting.size) broken('P1: all is placed in the end')
  if (state.groups.size > 0) broken('P1: nothing is left of it')
}

const has = ({ labels }: PlacedNode, on: string): boolean => labels.includes(on)

t.test('P1 to P3 hold whatever comes', async (t) => {
  for (let seed = 1; seed <= 300; seed++) play(seed)
  t.pass('300 seeds')
})

const facts: RoomFacts = { nowMs: 0, begun: 0, waiting: 0, running: 0, exhausted: false }

t.test('A node takes one routine for each idle thread, and one in advance', async (t) => {
  const room = initialRoom(4, 500)
  t.equal(measureRoom(room, facts), 5)
  t.equal(measureRoom(room, { ...facts, running: 3, begun: 3 }), 2)
  t.equal(measureRoom(room, { ...facts, running: 4, begun: 4, waiting: 1 }), 0)
  t.equal(measureRoom(room, { ...facts, running: 1, begun: 4, waiting: 1 }), 3, 'three are parked')
})

t.test('A node of long routines takes one in advance, of short ones some hundred', async (t) => {
  const room = initialRoom(2, 256)
  const busy = { ...facts, running: 2, waiting: 1 }
  for (let ms = 0; ms < 1000; ms++) measureRoom(room, { ...busy, nowMs: ms, begun: ms * 20 })
  t.equal(room.ahead, 20 * aheadMs)
  for (let ms = 1000; ms < 1100; ms++) measureRoom(room, { ...busy, nowMs: ms, begun: ms * 500 })
  t.equal(room.ahead, 256)
  const begun = 1100 * 500
  for (let ms = 1100; ms < 1200; ms++) measureRoom(room, { ...busy, nowMs: ms, begun })
  t.equal(room.ahead, 1)
})

t.test('A node whose threads idle between two orders takes twice as many', async (t) => {
  const room = initialRoom(2, 256)
  let most = 0
  for (let ms = 0; ms < 40; ms += 2) {
    most = measureRoom(room, { ...facts, nowMs: ms, begun: ms, exhausted: true })
  }
  t.equal(most, 258)
})
