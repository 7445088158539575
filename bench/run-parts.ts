/**
 * Runs parts of the benches, one after the other, each in a process of its own. A part that fails
 * is told of and does not keep the others from running; so is one that takes too long.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { Part } from './parts.ts'
import { type PartResult, resultFile } from './report.ts'

/** Ctrl-C, and what else ends a program. The second time it ends at once. */
export function untilSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort())
  }
  return controller.signal
}

/** What a part may take before it is ended. */
const minutesMax = { quick: 15, full: 90 }
/** What a part that was told to end may take before it is killed. */
const endMsMax = 5_000
/** Of what a part that failed has written, the last lines. */
const linesToldMax = 20

export interface Outcome {
  readonly part: Part
  readonly result: PartResult | undefined
  /** Why it failed, and what it said. */
  readonly failure: string | undefined
}

export interface Running {
  readonly mode: 'quick' | 'full'
  /** Ends the part that runs, and starts no other. */
  readonly signal: AbortSignal
  onStart(part: Part): void
  /** What the part says of what it does. */
  onLine(part: Part, line: string): void
  /** Where a part leaves its result. @default a file in `bench/results` */
  readonly fileOf?: (part: string) => URL
}

export async function runPart(part: Part, running: Running): Promise<Outcome> {
  const { mode, signal, onLine, fileOf = resultFile } = running
  const file = fileOf(part.name)
  // Or what an earlier run has left would be taken for this one's.
  await rm(file, { force: true })
  const flags = mode === 'quick' ? ['--quick'] : []
  const child = spawn(process.execPath, [part.program, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  const take = (line: string, isProgress: boolean): void => {
    said.push(line)
    if (said.length > linesToldMax) said.shift()
    if (isProgress) onLine(part, line)
  }
  createInterface(child.stdout).on('line', (line) => take(line, false))
  createInterface(child.stderr).on('line', (line) => take(line, true))
  const how = await ended(child, signal, minutesMax[mode])
  const result = await resultOf(file)
  const why = how ?? (result === undefined ? 'left no result' : undefined)
  const failure = why && [`${part.name} ${why}`, ...said.map((line) => `  ${line}`)].join('\n')
  return { part, result, failure }
}

/** Undefined when it has done its work; otherwise what was wrong. */
async function ended(
  child: ChildProcess,
  signal: AbortSignal,
  minutes: number,
): Promise<string | undefined> {
  let reason: string | undefined
  let killing: NodeJS.Timeout | undefined
  const end = (why: string): void => {
    reason ??= why
    child.kill('SIGTERM')
    killing ??= setTimeout(() => child.kill('SIGKILL'), endMsMax)
  }
  const stop = (): void => end('was ended')
  const late = setTimeout(() => end(`took more than ${minutes} minutes`), minutes * 60_000)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    const [code, by] = (await once(child, 'close')) as [number | null, string | null]
    return reason ?? (code === 0 ? undefined : `failed with ${by ?? `exit code ${code}`}`)
  } catch (error) {
    return `did not start: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    clearTimeout(late)
    clearTimeout(killing)
    signal.removeEventListener('abort', stop)
  }
}

async function resultOf(file: URL): Promise<PartResult | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as PartResult
  } catch {
    return undefined
  }
}

export async function runParts(parts: readonly Part[], running: Running): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const part of parts) {
    if (running.signal.aborted) break
    running.onStart(part)
    outcomes.push(await runPart(part, running))
  }
  return outcomes
}
