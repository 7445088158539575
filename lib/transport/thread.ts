/** Links between hubs in the threads of one process. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { openFrame, type PortFrame, postFrame } from '../wire/frame.ts'
import type { LinkMessage, MessagePortLike } from '../wire/messages.ts'
import type { Link, LinkEnd, LinkListener } from './contract.ts'

/** What the other end says when it has taken a frame. */
const taken = 1

class ThreadLink implements Link {
  readonly bytesSent = 0
  readonly #port: MessagePort
  #outbox: LinkMessage[] = []
  /** Messages of each frame that the other end has not taken. */
  readonly #underWay: number[] = []
  #backlog = 0
  #over = false

  constructor(port: MessagePort, listener: LinkListener) {
    this.#port = port
    port.on('message', (frame: PortFrame | typeof taken) => {
      if (frame === taken) {
        this.#backlog -= this.#underWay.shift() ?? 0
        return
      }
      const messages = openFrame(frame) as unknown as LinkMessage[]
      port.postMessage(taken)
      listener.received(messages)
    })
    port.on('close', () => {
      this.#over = true
      listener.closed()
    })
  }

  get isConnected(): boolean {
    return !this.#over
  }

  get backlog(): number {
    return this.#backlog + this.#outbox.length
  }

  send(message: LinkMessage): void {
    if (!this.#over) this.#outbox.push(message)
  }

  flush(): void {
    if (this.#outbox.length === 0 || this.#over) return
    const messages = this.#outbox
    this.#outbox = []
    this.#underWay.push(messages.length)
    this.#backlog += messages.length
    postFrame(this.#port as unknown as MessagePortLike, messages)
  }

  close(): void {
    this.flush()
    this.#port.close()
  }
}

/** One end over a port; the port can be transferred to another thread first. */
export function threadLinkEnd(port: MessagePort): LinkEnd {
  return { open: (listener) => new ThreadLink(port, listener) }
}

/** Two ends of one link. */
export function threadLink(): [LinkEnd, LinkEnd] {
  const { port1, port2 } = new MessageChannel()
  return [threadLinkEnd(port1), threadLinkEnd(port2)]
}
