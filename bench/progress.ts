/**
 * How far a run of several parts is: on a terminal one line that is written anew, elsewhere a line
 * for each step. To stderr, as the results go to stdout.
 */
import process from 'node:process'

const stream = process.stderr

export class Progress {
  readonly #steps: number
  readonly #ticking: NodeJS.Timeout | undefined
  #step = 0
  #what = ''
  #since = performance.now()

  constructor(steps: number) {
    this.#steps = steps
    if (stream.isTTY) this.#ticking = setInterval(() => this.#show(), 1_000)
  }

  next(what: string): void {
    this.#step += 1
    this.#since = performance.now()
    this.say(what)
  }

  say(what: string): void {
    this.#what = what
    this.#show()
  }

  end(): void {
    clearInterval(this.#ticking)
    if (stream.isTTY) stream.write('\r\x1b[2K')
  }

  #show(): void {
    const seconds = Math.floor((performance.now() - this.#since) / 1000)
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
    const line = `[${this.#step}/${this.#steps}] ${clock} ${this.#what}`
    if (!stream.isTTY) stream.write(`${line}\n`)
    else stream.write(`\r\x1b[2K${line.slice(0, stream.columns - 1)}`)
  }
}
