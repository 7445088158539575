/**
 * A node process as its parent sees it: forked, told what to be, heard, and ended. It has a process
 * group of its own, so that Ctrl-C in a terminal reaches only the parent, which ends it in order;
 * and it ends with the parent, because its IPC channel does.
 */
import { type ChildProcess, fork } from 'node:child_process'
import process from 'node:process'
import { GoawayError } from '../errors.ts'
import { isNodeReport, type NodeReport, type NodeStart, nodeProcessPath } from './node-start.ts'

export interface NodeEnd {
  readonly code: number | null
  /** For a person: "ended with exit code 1", "was killed by SIGKILL". */
  readonly why: string
  /** What the process itself gave as the reason. */
  readonly failure?: { readonly code: string; readonly message: string }
}

export interface NodeChildOptions {
  /** Stands in for the node process, in tests. */
  readonly program?: string | undefined
  /** Options of Node for it. */
  readonly execArgv?: readonly string[]
  /** What it says beside `listening` and `failed`. */
  readonly reported?: (report: NodeReport) => void
}

/** What nodes must not see: the secret comes another way, and they are no spawners. */
const ownVariables = ['GOAWAY_SECRET', 'GOAWAY_SECRET_FILE', 'GOAWAY_CLUSTER']

export function nodeEnvironment(): NodeJS.ProcessEnv {
  const env = { ...process.env }
  for (const name of ownVariables) delete env[name]
  return env
}

export class NodeChild {
  readonly exited: Promise<NodeEnd>
  /** Rejects with ERR_GOAWAY_LAUNCH when it exits first. */
  readonly listening: Promise<{ readonly port: number; readonly incarnation: string }>
  readonly #child: ChildProcess
  #failure: NodeEnd['failure']
  #over = false

  constructor(start: NodeStart, options: NodeChildOptions = {}) {
    this.#child = fork(options.program ?? nodeProcessPath, [], {
      detached: true,
      execArgv: [...(options.execArgv ?? [])],
      env: nodeEnvironment(),
      // What its routines write comes over the link; here comes what a crash has to say.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    this.exited = this.#exit()
    this.listening = this.#listen(options.reported)
    this.listening.catch(() => {})
    // One that has died meanwhile says so by its exit.
    this.#child.send(start, () => {})
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  #exit(): Promise<NodeEnd> {
    return new Promise((resolve) => {
      const over = (code: number | null, why: string): void => {
        this.#over = true
        resolve({ code, why, ...(this.#failure && { failure: this.#failure }) })
      }
      this.#child.once('error', (error) => {
        if (this.#child.pid === undefined) over(null, `could not be started: ${error.message}`)
      })
      this.#child.once('exit', (code, signal) => {
        over(code, signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`)
      })
    })
  }

  #listen(
    reported: NodeChildOptions['reported'],
  ): Promise<{ readonly port: number; readonly incarnation: string }> {
    return new Promise((resolve, reject) => {
      this.#child.on('message', (report) => {
        if (!isNodeReport(report)) return
        if (report.type === 'listening') resolve(report)
        else if (report.type === 'failed') this.#failure = report
        else reported?.(report)
      })
      this.exited.then(({ why, failure }) => {
        const reason = failure?.message ?? `its process ${why} before it listened`
        reject(new GoawayError('ERR_GOAWAY_LAUNCH', `Cannot start a node: ${reason}`))
      })
    })
  }

  /** It no longer keeps this thread alive by itself. */
  unref(): void {
    this.#child.unref()
    this.#child.channel?.unref()
  }

  /** Asks it to end, and after so long kills its group. */
  async stop(graceMs: number): Promise<void> {
    if (this.#over) return
    this.#child.ref()
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), graceMs)
    await this.exited
    clearTimeout(timer)
  }

  /** At once, with what it has started in its group. */
  kill(): void {
    if (this.#over || this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // It has not made its group yet, or is gone.
      this.#child.kill('SIGKILL')
    }
  }
}
