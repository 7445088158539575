/**
 * Joins virtual time with code that awaits: clients ask and pause, time goes on, and what was
 * answered continues before anything else happens.
 */
import type { Answer, Operation } from '../../lib/wire/messages.ts'
import { ReplicaWorld, type Reply, type WorldNode, type WorldOptions } from './replica-world.ts'

export class Stage {
  readonly world: ReplicaWorld
  /** Grows with everything that is noted: no two moments are alike. */
  #moment = 0
  #isStirred = false

  constructor(options: WorldOptions) {
    this.world = new ReplicaWorld(options)
  }

  get now(): number {
    return this.world.time.now
  }

  moment(): number {
    return ++this.#moment
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.world.time.at(this.now + ms, () => {
        this.#isStirred = true
        resolve()
      })
    })
  }

  reply(node: WorldNode, operation: Operation, thread = 0): Promise<Reply> {
    return new Promise((resolve) => {
      node.ask(
        operation,
        (reply) => {
          this.#isStirred = true
          resolve(reply)
        },
        thread,
      )
    })
  }

  /** @throws if it is refused */
  async ask(node: WorldNode, operation: Operation, thread = 0): Promise<Answer> {
    const reply = await this.reply(node, operation, thread)
    if (reply.type === 'answer') return reply.answer
    throw new Error(`${JSON.stringify(operation)} was refused: ${reply.code}`)
  }

  /** Lets time go on until then, or until it is over. */
  async run(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    const { time } = this.world
    // Whoever was started just now has its first word.
    await this.#goOn()
    while (!isOver() && time.nextAt <= untilMs) {
      time.step()
      if (this.#isStirred) await this.#goOn()
    }
    if (!isOver()) time.now = Math.max(time.now, untilMs)
  }

  async #goOn(): Promise<void> {
    do {
      this.#isStirred = false
      for (let turns = 0; turns < 10; turns++) await undefined
    } while (this.#isStirred)
  }
}
