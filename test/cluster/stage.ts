/**
 * Real processes for tests of clusters: nodes that supervisors keep, programs that use them, and
 * all that these start. Each process of a stage carries its mark in the environment, and so is
 * found wherever it went, and by no other test. What is left at the end is an error, and killed.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { askStatus } from '../../lib/deploy/ask-node.ts'
import { Program, type ProgramOptions, programFile } from '../run-program.ts'

const goawayFile = fileURLToPath(new URL('../../../bin/goaway.js', import.meta.url))
/** Far beyond what anything takes: what hangs is to fail, and what is slow is not. */
const limitMs = 100_000 * Number(process.env.GOAWAY_TEST_PATIENCE ?? 1)
const lookMs = 20

/** A node that a supervisor keeps. */
export interface KeptNode {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly supervisor: Program
}

export class Stage {
  readonly #mark = randomUUID()
  readonly #secret = randomBytes(32).toString('base64')
  readonly #home = mkdtempSync(join(tmpdir(), 'goaway-stage-'))
  readonly #env: Readonly<Record<string, string>>
  readonly #programs: Program[] = []
  /** Where nodes listened, on this machine's own network. */
  readonly #listened: KeptNode[] = []

  constructor(t: Test) {
    t.teardown(() => this.end())
    this.#env = {
      GOAWAY_TEST_MARK: this.#mark,
      GOAWAY_HOME: this.#home,
      GOAWAY_SECRET: this.#secret,
    }
  }

  /** Starts a program of `test/programs/`, with the arguments as JSON. */
  program(name: string, plan: unknown, options: ProgramOptions = {}): Program {
    return this.start(programFile(name), [JSON.stringify(plan)], options)
  }

  start(file: string, args: readonly string[], options: ProgramOptions = {}): Program {
    const env = { ...options.env, ...this.#env }
    const program = new Program(file, { limitMs, ...options, args, env })
    this.#programs.push(program)
    return program
  }

  /** Starts a supervisor, and comes back when its node listens. */
  async node(name: string, options: ProgramOptions & { host?: string } = {}): Promise<KeptNode> {
    const { host = '127.0.0.1', ...rest } = options
    const args = ['node', '--listen', `${host}:0`, '--name', name]
    const supervisor = this.start(goawayFile, args, rest)
    const words = `goaway node ${name} listens on ${host}:`
    const [port = ''] = await supervisor.after(words)
    const node = { name, host, port: Number(port), supervisor }
    if (options.within === undefined) this.#listened.push(node)
    return node
  }

  /** The processes that carry the mark, those that are gone but not buried left out. */
  processes(): number[] {
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return []
      try {
        const text = readFileSync(`/proc/${name}/environ`, 'latin1')
        return text.includes(`GOAWAY_TEST_MARK=${this.#mark}\0`) ? [Number(name)] : []
      } catch {
        return []
      }
    })
  }

  /** Comes back when no process is left that `counts`; after the time, with those that are. */
  async settled(
    withinMs: number,
    counts: (pid: number) => boolean = () => true,
  ): Promise<number[]> {
    const until = performance.now() + withinMs
    for (;;) {
      const left = this.processes().filter(counts)
      if (left.length === 0 || performance.now() > until) return left
      await sleep(lookMs)
    }
  }

  /** Ends the supervisors in order. @returns what is left then: processes, and ports */
  async end(): Promise<string[]> {
    for (const program of this.#programs) program.kill('SIGTERM')
    const left = await this.settled(60_000)
    const names = left.map((pid) => `${pid} ${commandOf(pid)}`)
    for (const pid of left) kill(pid, 'SIGKILL')
    await Promise.all(this.#programs.map(({ ended }) => ended))
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 20 })
    const answers = await Promise.all(this.#listened.map((node) => this.#answers(node)))
    const taken = this.#listened.filter((_, at) => answers[at])
    return [...names, ...taken.map(({ host, port }) => `${host}:${port}`)]
  }

  /** Whether a node of this stage listens there: its port may be a stranger's by now. */
  async #answers({ name, host, port }: KeptNode): Promise<boolean> {
    const secret = Buffer.from(this.#secret)
    if (await isFree(host, port)) return false
    try {
      const credentials = { kind: 'secret', secret } as const
      await askStatus({ index: 0, name, host, port, labels: [] }, { credentials, timeoutMs: 5_000 })
      return true
    } catch {
      return false
    }
  }
}

/** Sends one process a signal; one that is gone takes none. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

/** What a process was started as, or calls itself; empty if it is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}
