/** How far a bench is: on a terminal one line that is drawn anew, elsewhere a line now and then. */
import type { MatrixProgress } from '../bench/matrix.ts'

export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface ProgressTeller {
  progress(progress: MatrixProgress): void
  /** The line goes; nothing is left of it on a terminal. */
  end(): void
}

const redrawMs = 100
/** Between two lines of a log, unless something new begins. */
const lineMs = 10_000
const barLength = 24

export function progressTo(
  output: ProgressOutput,
  now: () => number = () => performance.now(),
): ProgressTeller {
  const tell = output.isTTY === true ? redraw : write
  return tell(output, now)
}

function redraw(output: ProgressOutput, now: () => number): ProgressTeller {
  let drawn = Number.NEGATIVE_INFINITY
  return {
    progress({ done, what }) {
      if (now() - drawn < redrawMs) return
      drawn = now()
      const full = Math.round(done * barLength)
      const bar = '█'.repeat(full) + '░'.repeat(barLength - full)
      output.write(`\r\x1b[K${bar} ${percent(done)} ${what}`)
    },
    end: () => void output.write('\r\x1b[K'),
  }
}

function write(output: ProgressOutput, now: () => number): ProgressTeller {
  let written = Number.NEGATIVE_INFINITY
  let part = ''
  return {
    progress({ done, what }) {
      const next = what.replace(/round.*/, 'round')
      if (next === part && now() - written < lineMs) return
      part = next
      written = now()
      output.write(`${percent(done)} ${what}\n`)
    },
    end() {},
  }
}

function percent(done: number): string {
  return `${String(Math.floor(done * 100)).padStart(3)} %`
}
