/** The program's own thread as a client of its hub, from before all is ready until the end. */
import { dropPayload } from '../client/payload.ts'
import type { ErrorRecord } from '../wire/error-record.ts'
import type { Member, Message } from '../wire/messages.ts'
import type { Session } from './session.ts'

export class Program {
  #session: Session | undefined
  /** It is not listened to yet. */
  #held = true
  /** Why it gets nothing, if its cluster could not be made. */
  #failure: ErrorRecord | undefined
  /** Routines that routines have started: the program's process stays for them. */
  #routinesOfThreads = 0
  #busy = false

  attach(session: Session): void {
    this.#session = session
  }

  is(session: Session): boolean {
    return session === this.#session
  }

  isHeld(session: Session): boolean {
    return this.#held && session === this.#session
  }

  /** All that it needs is there. `members`: the nodes of its cluster, if it has one. */
  begin(node: string, members: readonly Member[]): void {
    this.#held = false
    this.tellMembers(members)
    this.#session?.send(['ready', node])
  }

  /** What it needs is not to be had: whatever it asks for is refused. */
  fail(error: ErrorRecord): void {
    this.#failure = error
    this.#held = false
    this.#session?.send(['failed', error])
  }

  tellMembers(members: readonly Member[]): void {
    if (members.length > 0) this.#session?.send(['members', members])
  }

  /** Whether it was told, in place of an answer, that nothing can be had. */
  refuses(session: Session, message: Message): boolean {
    const error = this.#failure
    if (error === undefined) return false
    if (message[0] === 'ask') {
      if (message[2]) session.blockingCall = message[1]
      session.refuse(message[1], error)
    } else if (message[0] === 'submit') {
      dropPayload(message[5])
      session.send(['failure', message[1], error])
    }
    return message[0] === 'ask' || message[0] === 'submit'
  }

  /** So many routines more, or less, that were started by threads. */
  count(session: Session, routines: number): void {
    if (session !== this.#session) this.#routinesOfThreads += routines
  }

  tellWhetherBusy(): void {
    const busy = this.#routinesOfThreads > 0
    if (busy === this.#busy) return
    this.#busy = busy
    this.#session?.send(['busy', busy])
  }

  closed(): void {
    this.#session?.send(['closed'])
  }
}
