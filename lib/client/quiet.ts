/** Whether this thread's event loop waits for its hub and for nothing else. */
import process from 'node:process'

/** What the thread has open when no code of the application runs in it. */
export type Baseline = ReadonlyMap<string, number>

/** Handles that bring no event: closing ones, and output streams. */
function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) {
    if (name !== 'CloseReq') counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** Counts what is open now. Called before the thread's first routine. */
export function baselineNow(): Baseline {
  return count(process.getActiveResourcesInfo())
}

/** The program's own thread: the port to its hub, and its output. */
export function programBaseline(): Baseline {
  const baseline = new Map([['MessagePort', 1]])
  for (const { _handle } of [process.stdout, process.stderr] as { _handle?: object }[]) {
    const name = _handle?.constructor.name
    if (name === 'Pipe') baseline.set('PipeWrap', (baseline.get('PipeWrap') ?? 0) + 1)
    if (name === 'TTY') baseline.set('TTYWrap', (baseline.get('TTYWrap') ?? 0) + 1)
  }
  return baseline
}

/** Whether nothing beyond the baseline is open. */
export function isQuiet(baseline: Baseline): boolean {
  for (const [name, open] of count(process.getActiveResourcesInfo())) {
    if (open > (baseline.get(name) ?? 0)) return false
  }
  return true
}
