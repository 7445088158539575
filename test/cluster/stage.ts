/**
 * Real processes for tests of clusters: nodes that supervisors keep, programs that use them, and
 * all that these start. Each process of a stage carries its mark in the environment, and so is
 * found wherever it went, and by no other test. What is left at the end is an error, and killed.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
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
  readonly #home = mkdtempSync(join(tmpdir(), 'goaway-stage-'))
  readonly #env: Readonly<Record<string, string>>
  readonly #programs: Program[] = []

  constructor(t: Test) {
    t.teardown(() => this.end())
    this.#env = {
      GOAWAY_TEST_MARK: this.#mark,
      GOAWAY_HOME: this.#home,
      GOAWAY_SECRET: randomBytes(32).toString('base64'),
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
    return { name, host, port: Number(port), supervisor }
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

  /** Ends the supervisors in order. @returns what is left then, and killed */
  async end(): Promise<string[]> {
    for (const program of this.#programs) program.kill('SIGTERM')
    const left = await this.settled(10_000)
    const names = left.map((pid) => `${pid} ${commandOf(pid)}`)
    for (const pid of left) kill(pid, 'SIGKILL')
    await Promise.all(this.#programs.map(({ ended }) => ended))
    rmSync(this.#home, { recursive: true, force: true })
    return names
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

/** What a process was started as, or calls itself; empty if it is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}
