/**
 * Shows how far a search has come: a live bar on a terminal, plain lines where output is not one.
 */
import process from 'node:process'
import { SingleBar } from 'cli-progress'

export interface Progress {
  /** @param chance 0 to 1: how likely it is that the search has ended by now */
  show(chance: number, text: string): void
  /** Leaves the terminal as it was. */
  stop(): void
}

/** A bar is drawn at most so often; a line, which stays, is written less often. */
const barEveryMs = 100
const lineEveryMs = 1000

/** How often {@link Progress.show} is of use. */
export const showEveryMs = process.stdout.isTTY ? barEveryMs : lineEveryMs

export function startProgress(): Progress {
  return process.stdout.isTTY ? startBar() : { show: showLine, stop() {} }
}

function showLine(_chance: number, text: string): void {
  console.log(text)
}

function startBar(): Progress {
  const bar = new SingleBar({
    format: '[{bar}] {text}',
    barsize: 30,
    hideCursor: true,
    stream: process.stdout,
  })
  bar.start(1, 0, { text: '' })
  const stop = (): void => {
    bar.stop()
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', terminated)
  }
  // The cursor is hidden: bring it back, then end as if nobody had listened.
  const endBy = (signal: 'SIGINT' | 'SIGTERM') => (): void => {
    stop()
    process.kill(process.pid, signal)
  }
  const interrupted = endBy('SIGINT')
  const terminated = endBy('SIGTERM')
  process.on('SIGINT', interrupted)
  process.on('SIGTERM', terminated)
  return { show: (chance, text) => bar.update(chance, { text }), stop }
}
