/**
 * Threads that write and read one field of a replicated store, each at a node of its own, as a
 * model: to be explored, or to be run by chance. What they saw is a history for the checker.
 */
import { check } from '../../lib/check/check-history.ts'
import type { CheckResult } from '../../lib/check/check-result.ts'
import type { HistoryOperation } from '../../lib/history/format.ts'
import type { Machine } from '../../lib/protocol/machine.ts'
import type { ReplicaInput, ReplicaOutput, ReplicaParameters } from '../../lib/protocol/replica.ts'
import type { StrictOperation } from '../../lib/wire/messages.ts'
import type { Model, Move } from './explore.ts'
import { Violation } from './explore.ts'

export type RegisterMachine<State, Message> = Machine<
  State,
  ReplicaInput<StrictOperation, Message>,
  ReplicaOutput<Message>,
  ReplicaParameters
>

/** What the thread at each place does: a number is written, `r` reads. */
export type RaceScripts = Readonly<Record<number, readonly (number | 'r')[]>>

export interface RaceWorld<State, Message> {
  readonly nodes: Map<number, State>
  readonly links: Map<string, Message[]>
  /** By place. */
  readonly at: Map<number, number>
  readonly pending: Set<number>
  /** Calls and returns in their order. */
  readonly events: RaceEvent[]
}

/** A call, or a return and what was read. */
type RaceEvent =
  | readonly [place: number, call: number | 'r']
  | readonly [place: number, 'end', unknown]

export function registerRace<State, Message>(
  machine: RegisterMachine<State, Message>,
  scripts: RaceScripts,
): Model<RaceWorld<State, Message>> {
  return new Race(machine, scripts)
}

class Race<State, Message> implements Model<RaceWorld<State, Message>> {
  readonly #machine: RegisterMachine<State, Message>
  readonly #scripts: RaceScripts
  readonly #places: readonly number[]

  constructor(machine: RegisterMachine<State, Message>, scripts: RaceScripts) {
    this.#machine = machine
    this.#scripts = scripts
    this.#places = Object.freeze(Object.keys(scripts).map(Number))
  }

  /** Nothing has been asked, and all that the first view brings about is done. */
  initial(): RaceWorld<State, Message> {
    const founders = this.#places.length - 1
    const parameters = { founders, placement: 'first' } as const
    const world: RaceWorld<State, Message> = {
      nodes: new Map(
        this.#places.map((place) => [place, this.#machine.initial({ place, ...parameters })]),
      ),
      links: new Map(),
      at: new Map(),
      pending: new Set(),
      events: [],
    }
    const view = Object.freeze({ epoch: 1, members: this.#places })
    for (const place of this.#places) {
      this.#feed(world, place, { type: 'view', view, mayServe: true })
    }
    while (world.links.size > 0) {
      for (const link of [...world.links.keys()]) this.#deliver(world, link)
    }
    return world
  }

  moves(world: RaceWorld<State, Message>): readonly Move[] {
    const moves: Move[] = []
    for (const link of world.links.keys()) moves.push({ kind: link, client: 0, fault: false })
    for (const place of this.#places) {
      if (world.pending.has(place)) continue
      if ((world.at.get(place) ?? 0) >= (this.#scripts[place]?.length ?? 0)) continue
      moves.push({ kind: 'thread', client: place, fault: false })
    }
    return moves
  }

  apply(world: RaceWorld<State, Message>, { kind, client }: Move): void {
    if (kind === 'thread') this.#stepThread(world, client)
    else this.#deliver(world, kind)
  }

  atRest(world: RaceWorld<State, Message>): void {
    if (world.pending.size > 0) throw new Violation('a thread is left without an answer')
    const { verdict, parts } = judge(world.events)
    if (verdict !== 'ok') throw new Violation(parts[0]?.window?.reason ?? verdict)
  }

  #stepThread(world: RaceWorld<State, Message>, place: number): void {
    const at = world.at.get(place) ?? 0
    const act = this.#scripts[place]?.[at] as number | 'r'
    world.at.set(place, at + 1)
    world.pending.add(place)
    world.events.push(Object.freeze([place, act] as const))
    const operation =
      act === 'r' ? (['get', 'o', 'x', 0] as const) : (['set', 'o', 'x', act, null] as const)
    const who = { client: place + 100, call: at + 1, owner: 0, thread: 0, blocking: true }
    this.#feed(world, place, { type: 'request', ...who, operation, mayServe: true })
  }

  #deliver(world: RaceWorld<State, Message>, link: string): void {
    const [from, to] = link.split('>').map(Number) as [number, number]
    const [message, ...rest] = world.links.get(link) ?? []
    if (rest.length > 0) world.links.set(link, rest)
    else world.links.delete(link)
    this.#feed(world, to, { type: 'message', from, message: message as Message, mayServe: true })
  }

  #feed(
    world: RaceWorld<State, Message>,
    place: number,
    input: ReplicaInput<StrictOperation, Message>,
  ): void {
    for (const output of this.#machine.step(world.nodes.get(place) as State, input)) {
      if (output.type === 'send') {
        const link = `${place}>${output.to}`
        world.links.set(link, [...(world.links.get(link) ?? []), output.message])
      } else if (output.type === 'answer') {
        world.pending.delete(place)
        const value = Array.isArray(output.answer) ? output.answer[1] : output.answer
        world.events.push(Object.freeze([place, 'end', value ?? 0] as const))
      } else if (output.type === 'refuse') {
        throw new Violation(output.message)
      }
    }
  }
}

/** Positions in the list of events are the times: the finest that there are. */
export function judge(events: readonly RaceEvent[]): CheckResult {
  const shape = { kind: 'reg', store: 'lin-fast-read', key: 'o.x', ok: true } as const
  const first = { ...shape, client: 0, op: 'init', arg: 0, start: 0, end: 0 } as const
  const operations: HistoryOperation[] = [first]
  for (const [time, [place, act]] of events.entries()) {
    if (act === 'end') continue
    const end = events.findIndex(([who, word], at) => at > time && who === place && word === 'end')
    const rest = { ...shape, client: place, start: time + 1, end: end + 1 }
    if (act !== 'r') operations.push({ ...rest, op: 'write', arg: act })
    else operations.push({ ...rest, op: 'read', out: Number(events[end]?.[2] ?? 0) })
  }
  return check(operations, { model: 'linearizable' })
}

/** One run, every choice made by chance. Gives what was seen. */
export function runByChance<State, Message>(
  model: Model<RaceWorld<State, Message>>,
  chance: (count: number) => number,
): readonly RaceEvent[] {
  const world = model.initial()
  for (let moves = model.moves(world); moves.length > 0; moves = model.moves(world)) {
    model.apply(world, moves[chance(moves.length)] as Move)
  }
  return world.events
}
