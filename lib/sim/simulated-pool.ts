/** The threads of a simulated process: each a run loop as in a real one, in the one real thread. */

import type { RoutineFunction } from '../client/function-address.ts'
import { RunLoop } from '../executor/run-loop.ts'
import type { PoolThread, ThreadPool, ThreadStart } from '../executor/thread-pool.ts'
import type { FunctionAddress, HubMessage, RunMessage } from '../wire/messages.ts'
import { ThreadWords } from '../wire/shared-words.ts'
import { type PortSpace, SimulatedPort } from './simulated-port.ts'
import { SimulatedThread, type ThreadHome } from './simulated-thread.ts'

export interface PoolHome extends ThreadHome {
  resolve(address: FunctionAddress): RoutineFunction
}

/** How long a thread takes to be there, in milliseconds. */
const openingMsMax = 20

export class SimulatedPool implements ThreadPool {
  readonly threads = new Set<SimulatedThread>()
  readonly #home: PoolHome
  readonly #space: PortSpace

  constructor(home: PoolHome, space: PortSpace) {
    this.#home = home
    this.#space = space
  }

  open(start: ThreadStart): PoolThread {
    const home = this.#home
    const [port, far] = SimulatedPort.pair(this.#space)
    const { client, thread: number, threads } = start
    const words = new ThreadWords(start.words)
    const thread = new SimulatedThread({ home, client, thread: number, threads, port: far, words })
    this.threads.add(thread)
    let close = (): void => {}
    let lose: (error: Error) => void = () => {}
    const ended = new Promise<void>((resolve, reject) => {
      close = resolve
      lose = reject
    })
    const end = (): void => {
      thread.end()
      this.threads.delete(thread)
    }
    this.#serve(thread, () => {
      end()
      close()
    })
    const kill = (): void => {
      if (thread.isDead) return
      end()
      home.clock.setImmediate(() => lose(new Error('the thread was ended')))
    }
    return { port, ended, kill }
  }

  #serve(thread: SimulatedThread, close: () => void): void {
    const home = this.#home
    const { client } = thread
    const loop = new RunLoop(client, {
      node: thread.name,
      thread: thread.thread,
      clock: home.clock,
      resolve: (address) => home.resolve(address),
      home: thread,
      enter: (act) => {
        if (!thread.isDead) thread.enter(act)
      },
    })
    client.deliver = (messages) => {
      for (const message of messages) {
        if (message[0] === 'close') return close()
        if (message[0] === 'code') continue
        if (!loop.take(message as RunMessage)) client.dispatch(message as HubMessage)
      }
      loop.pump()
    }
    home.clock.setTimer(home.random.between(0, openingMsMax), () => {
      if (!thread.isDead) client.channel.send(['open'])
    })
  }

  async destroy(): Promise<void> {
    for (const thread of this.threads) thread.end()
    this.threads.clear()
  }
}
