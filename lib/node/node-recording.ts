/**
 * What a node process records for its application: a part of the recording, on this machine's disk.
 * On another machine than the spawner's it is fetched at the end, and the two clocks are compared.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { appendLine, partFile, partNameOf } from '../history/history-file.ts'
import { machineRun } from '../history/machine-run.ts'
import type { HistoryTarget } from '../history/recorder.ts'
import { historyClockMs, historyKeptMs, pieceBytes } from '../limits.ts'
import type { HistoryClaim, HistoryMessage } from '../wire/history-messages.ts'
import type { Member } from '../wire/messages.ts'

export interface NodeRecordingOptions {
  readonly claim: HistoryClaim
  readonly application: string
  readonly member: Member
  /** Of this machine's user, for all applications. */
  readonly directory: string
  /** To the spawner, at once. */
  send(message: HistoryMessage): void
}

export class NodeRecording {
  readonly part: string
  readonly target: HistoryTarget
  readonly #options: NodeRecordingOptions
  /** Its clock is the spawner's, as far as is known. */
  #sharesClock: boolean
  #timer: NodeJS.Timeout | undefined

  /** @throws when this machine's disk takes no file */
  constructor(options: NodeRecordingOptions) {
    this.#options = options
    const { claim, member } = options
    this.part = partNameOf(member)
    this.#sharesClock = claim.file !== null || isThisMachine(claim)
    const origin = this.#sharesClock ? BigInt(claim.origin) : process.hrtime.bigint()
    const file = claim.file === null ? this.#ownFile() : partFile(claim.file, this.part)
    writeFileSync(file, '')
    this.target = { file, origin }
  }

  get #folder(): string {
    const { application, directory } = this.#options
    return join(directory, application)
  }

  #ownFile(): string {
    const file = join(this.#folder, this.part)
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    removeOld(dirname(this.#folder))
    return file
  }

  /** Compares the clocks, the first time before anything can be recorded. */
  begin(): void {
    if (this.#options.claim.file !== null) return
    this.#ask()
    this.#timer = setInterval(() => this.#ask(), historyClockMs).unref()
  }

  #now(): number {
    return Number(process.hrtime.bigint() - this.target.origin)
  }

  #ask(): void {
    this.#options.send(['clock?', this.#now()])
  }

  /** What the spawner says of the recording. */
  received(message: HistoryMessage): void {
    switch (message[0]) {
      case 'clock':
        return this.#compared(message[1], message[2])
      case 'parts?':
        return this.#options.send(['parts', this.#ownParts()])
      case 'fetch':
        return this.#options.send(['piece', this.#read(message[1], message[2])])
      case 'fetched':
        this.#forget()
        return this.#options.send(['parts', []])
    }
  }

  #compared(asked: number, there: number): void {
    const now = this.#now()
    const [low, high] = [there - now, there - asked]
    // Two that are the same are never seen to differ.
    if (this.#sharesClock && low <= 0 && high >= 0) return this.end()
    this.#sharesClock = false
    appendLine(this.target.file, { clock: now, low, high })
  }

  /** Its own, and those of the processes that were this node before it. */
  #ownParts(): string[] {
    const { name } = this.#options.member
    if (!existsSync(this.#folder)) return []
    return readdirSync(this.#folder).filter((part) => {
      return part === partNameOf({ name, place: Number.parseInt(part, 10) })
    })
  }

  #read(part: string, offset: number): Uint8Array {
    if (!this.#ownParts().includes(part)) return new Uint8Array()
    const descriptor = openSync(join(this.#folder, part), 'r')
    try {
      const bytes = new Uint8Array(pieceBytes)
      return bytes.slice(0, readSync(descriptor, bytes, 0, pieceBytes, offset))
    } finally {
      closeSync(descriptor)
    }
  }

  #forget(): void {
    for (const part of this.#ownParts()) rmSync(join(this.#folder, part), { force: true })
    // Unless another node of this machine has its part in it.
    if (readdirSync(this.#folder).length === 0) rmSync(this.#folder, { recursive: true })
  }

  end(): void {
    clearInterval(this.#timer)
  }
}

function isThisMachine({ machine }: HistoryClaim): boolean {
  return machine !== '' && machine === machineRun()
}

/** What no spawner has fetched stays for a while, for whoever looks for it. */
function removeOld(directory: string): void {
  for (const application of readdirSync(directory)) {
    const folder = join(directory, application)
    const { mtimeMs } = statSync(folder)
    if (Date.now() - mtimeMs > historyKeptMs) rmSync(folder, { recursive: true, force: true })
  }
}
