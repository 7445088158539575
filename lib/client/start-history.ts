/**
 * Where a program records, if it is to: found before the hub starts, because a program may use its
 * objects at once, and what is not recorded from the first operation says nothing.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import process from 'node:process'
import { createHistory, finishHistory, historyVariable, partFile } from '../history/history-file.ts'
import { type HistoryTarget, Recorder } from '../history/recorder.ts'

export interface StartedHistory {
  readonly target: HistoryTarget
  readonly recorder: Recorder
}

/** What names a file, the first one first. */
export interface HistorySources {
  /** The option of `init`. */
  readonly option: string | undefined
  /** What the cluster file says. */
  readonly ofCluster: string | undefined
}

/** @throws {GoawayError} ERR_GOAWAY_CONFIG for a file that cannot be written */
export function startHistory({ option, ofCluster }: HistorySources): StartedHistory | undefined {
  const named = option ?? ofCluster ?? (process.env[historyVariable] || undefined)
  if (named === undefined) return undefined
  const file = createHistory(named, process.cwd())
  const target = { file, origin: process.hrtime.bigint() }
  return { target, recorder: new Recorder(target) }
}

/** The program is over, its nodes and threads with it: what they recorded becomes a history. */
export function endHistory({ target, recorder }: StartedHistory): void {
  recorder.close()
  for (const { part, where } of finishHistory(target.file).missing) {
    const lies = `its own part lies at ${where}: copy it to ${partFile(target.file, part)}`
    process.emitWarning(`The history in ${target.file} lacks what ${part} recorded; ${lies}`)
  }
}

/**
 * The file that a cluster file names as its `history`. The hub reads all of that file, and with
 * more care; it refuses one of which this has understood something else.
 */
export function historyOfCluster(path: string): string | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    // The hub says what is wrong with it.
    return undefined
  }
  const named = /\.json$/i.test(path) ? ofJson(text) : ofYaml(text)
  return named === undefined ? undefined : resolve(dirname(path), named)
}

function ofJson(text: string): string | undefined {
  try {
    const { history } = JSON.parse(text) as { readonly history?: unknown }
    return typeof history === 'string' ? history : undefined
  } catch {
    return undefined
  }
}

/** A key at the beginning of a line, with its value after it: in quotes, or up to a comment. */
const yamlLine =
  /^history:[ \t]+(?:'([^'\r\n]*)'|"([^"\\\r\n]*)"|([^\s'"#][^\r\n]*?))(?:[ \t]+#.*)?[ \t]*$/m

function ofYaml(text: string): string | undefined {
  const [, single, double, plain] = yamlLine.exec(text) ?? []
  return single ?? double ?? plain
}
