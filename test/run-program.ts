/**
 * Runs small real programs as processes of their own: in a process group of their own, with a hard
 * time limit. Whatever happens to the test, no program outlives it: its whole group is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { withoutStrangers } from './strangers.ts'

/** How a program ended and what it printed. */
export interface ProgramRun {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** It was killed because it ran longer than its limit. */
  readonly timedOut: boolean
  readonly tookMs: number
  /** Whether any process of its group was left when it had ended. */
  readonly leftBehind: boolean
}

export interface ProgramOptions {
  readonly args?: readonly string[]
  readonly execArgv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** @default 100 seconds, several times what any takes on a busy machine */
  readonly limitMs?: number
  /** Leaves stdout unread until `read()` is called, so that the pipe fills. @default false */
  readonly unread?: boolean
  /** What starts it, such as `ip netns exec a`. */
  readonly within?: readonly string[]
}

/**
 * Becomes Node, without the option by which tap, at every spawn, puts itself into what a test
 * starts, and with itself its listeners of signals, which a blocked program cannot run.
 */
const bareNode = 'unset NODE_OPTIONS; exec "$0" "$@"'
const limitMsDefault = 100_000
const running = new Set<Program>()

export class Program {
  readonly ended: Promise<ProgramRun>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''
  #over = false
  #timedOut = false
  readonly #watchers = new Set<() => void>()

  constructor(file: string, options: ProgramOptions = {}) {
    const { args = [], execArgv = [], env = {}, limitMs = limitMsDefault } = options
    const started = performance.now()
    const node = ['sh', '-c', bareNode, process.execPath, ...execArgv, file, ...args]
    const [command = '', ...rest] = [...(options.within ?? []), ...node]
    this.#child = spawn(command, rest, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...bareEnvironment(), ...env },
    })
    running.add(this)
    const { stdout, stderr } = this.#child
    if (options.unread !== true) this.read()
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#look()
    })
    const timer = setTimeout(() => {
      this.#timedOut = true
      this.kill('SIGKILL')
    }, limitMs)
    this.ended = new Promise((resolve) => {
      let leftBehind = false
      this.#child.on('exit', () => {
        // Whoever is left holds our pipes, so this cannot wait for 'close'.
        leftBehind = this.#groupIsThere()
        if (leftBehind) this.kill('SIGKILL')
        if (stdout?.isPaused() === true) this.read()
      })
      this.#child.on('close', (code, signal) => {
        clearTimeout(timer)
        running.delete(this)
        // Not before: what it printed at last may come after its exit.
        this.#over = true
        const tookMs = performance.now() - started
        const output = { stdout: this.#stdout, stderr: withoutStrangers(this.#stderr) }
        resolve({ code, signal, ...output, timedOut: this.#timedOut, tookMs, leftBehind })
        this.#look()
      })
    })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** Reads its standard output from now on. */
  read(): void {
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#look()
    })
  }

  #look(): void {
    for (const watcher of this.#watchers) watcher()
  }

  /** Resolves when its output, both streams, holds the text; rejects when it ends without. */
  printed(text: string): Promise<void> {
    return this.#until(() => this.#stdout.includes(text) || this.#stderr.includes(text), text)
  }

  /** What comes after the words, up to the line's end, in each line with them until now. */
  async after(words: string): Promise<string[]> {
    const lines = (): string[] =>
      this.#stdout
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.includes(words))
    await this.#until(() => lines().length > 0, words)
    return lines().map((line) => line.slice(line.indexOf(words) + words.length))
  }

  /** Resolves when so many lines of its standard output have held the words. */
  times(words: string, count: number): Promise<void> {
    return this.#until(() => this.#stdout.split(words).length > count, `${count} × ${words}`)
  }

  /** Gives each line of its standard output that begins so, when it has come, until it ends. */
  async follow(start: string, act: (line: string) => void): Promise<void> {
    const lines = (): string[] => {
      const whole = this.#stdout.split('\n').slice(0, -1)
      return whole.filter((line) => line.startsWith(start))
    }
    for (let given = 0; ; given++) {
      try {
        await this.#until(() => lines().length > given, start)
      } catch {
        return
      }
      act(lines()[given] as string)
    }
  }

  #until(holds: () => boolean, text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = holds()
        if (!found && !this.#over) return
        this.#watchers.delete(look)
        if (found) resolve()
        else
          reject(new Error(`The program ended without '${text}':\n${this.#stdout}${this.#stderr}`))
      }
      this.#watchers.add(look)
      look()
    })
  }

  /** The first line of JSON that says `what`; rejects when the program ends without. */
  // biome-ignore lint/suspicious/noExplicitAny: tests compare what is in it
  async line(what: string): Promise<any> {
    const start = `{"what":${JSON.stringify(what)}`
    const find = (): string | undefined =>
      this.#stdout
        .split('\n')
        .slice(0, -1)
        .find((line) => line.startsWith(start))
    await this.#until(() => find() !== undefined, start)
    return JSON.parse(find() as string)
  }

  /** Sends a signal to its process group, as a terminal does. */
  kill(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal)
    } catch {
      // There is none any more.
    }
  }

  #groupIsThere(): boolean {
    try {
      process.kill(-this.pid, 0)
      return true
    } catch {
      return false
    }
  }
}

/** Without what the test runner adds for its own processes. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS|_?TAP)/.test(name))
  return Object.fromEntries(kept)
}

function killAll(): void {
  for (const program of running) program.kill('SIGKILL')
}

process.on('exit', killAll)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGALRM'] as const) {
  process.once(signal, () => {
    killAll()
    process.kill(process.pid, signal)
  })
}

/**
 * The file of a program: compiled from `test/programs/`, or as it stands there when it is no `.ts`.
 */
export function programFile(name: string): string {
  const compiled = !/\.[cm]?js$/.test(name)
  const folder = compiled ? './programs/' : '../../test/programs/'
  return fileURLToPath(new URL(`${folder}${name}${compiled ? '.js' : ''}`, import.meta.url))
}

/** Starts a program of `test/programs/`. */
export function startProgram(name: string, options?: ProgramOptions): Program {
  return new Program(programFile(name), options)
}

/** Runs a program of `test/programs/` to its end. */
export function runProgram(name: string, ...args: string[]): Promise<ProgramRun> {
  return startProgram(name, { args }).ended
}

/** The lines that a program printed, each parsed as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: tests compare what is in it
export function jsonLines(text: string): any[] {
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as unknown)
}
