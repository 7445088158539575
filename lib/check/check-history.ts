/**
 * Checks a history against what was promised: which operations have to be explained together, and
 * by which model.
 */
import type { HistoryOperation, HistoryStore } from '../history/format.ts'
import { checkMsMax, checkStepsMax } from '../limits.ts'
import type { Act, Entry } from './act.ts'
import { Budget } from './budget.ts'
import { explain } from './explain.ts'
import { groupBy } from './group-by.ts'
import { checkLinear, type Finding } from './linear-check.ts'
import type { Verdict } from './linear-search.ts'
import { keyText } from './operation-text.ts'
import { fieldOf, type History, toHistory } from './read-history.ts'
import { checkSeen } from './seen-check.ts'
import { checkSequential } from './sequential-check.ts'

/** What a history may be checked against; each is defined in `docs/checker.md`. */
export type ModelName = 'causal' | 'fifo' | 'linearizable' | 'sequential'

export interface CheckOptions {
  /** Without it each object is checked against what its own store promises. */
  readonly model?: ModelName | undefined
  /**
   * Steps of all searches together; what is not decided by then is `unknown`.
   * @default 20,000,000
   */
  readonly stepsMax?: number | undefined
  /**
   * Milliseconds for the whole check; what is not decided by then is `unknown`.
   * @default Infinity
   */
  readonly timeMsMax?: number | undefined
  /** Called now and then on the way. */
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined
}

export interface CheckProgress {
  /** Parts that are done, of `parts`. */
  readonly done: number
  readonly parts: number
  readonly steps: number
}

export interface CheckResult {
  /** `illegal` if any part is; else `unknown` if any part is. */
  readonly verdict: Verdict
  readonly operations: number
  /** What was checked by itself: a field, a lock, or all fields of a store. */
  readonly parts: readonly PartResult[]
}

export interface PartResult {
  /** A field, `lock` and its name, or the store whose fields are checked together. */
  readonly name: string
  readonly model: ModelName
  readonly verdict: Verdict
  readonly operations: number
  /** Of an illegal part. */
  readonly window?: Window
}

/** Operations that cannot all be right. If one is left out, the others can. */
export interface Window {
  /** In order of their start, without the initial values. */
  readonly operations: readonly HistoryOperation[]
  /** The line of each. */
  readonly lines: readonly number[]
  /** The lines that give the initial values of the fields in it. */
  readonly initial: readonly HistoryOperation[]
  /** Indices of the operations that contradict. */
  readonly marked: readonly number[]
  /** What is wrong, in a sentence. */
  readonly reason: string
}

const promises: Readonly<Record<HistoryStore, ModelName>> = {
  strict: 'linearizable',
  'lin-fast-read': 'linearizable',
  lock: 'linearizable',
  weak: 'fifo',
  'weak-causal': 'causal',
  'update-on-release': 'sequential',
}

/**
 * Whether a history keeps its promise.
 *
 * @param history from {@link parseHistory}, or operations at hand
 * @throws {GoawayError} ERR_GOAWAY_HISTORY, when operations contradict the format
 * @example
 * const { verdict, parts } = check(parseHistory(readFileSync('history.jsonl', 'utf8')))
 */
export function check(
  history: History | readonly HistoryOperation[],
  options: CheckOptions = {},
): CheckResult {
  const { entries } = 'length' in history ? toHistory(history) : history
  const parts = partsOf(entries, options.model)
  const done: PartResult[] = []
  const budget = new Budget({
    stepsMax: options.stepsMax ?? checkStepsMax,
    timeMsMax: options.timeMsMax ?? checkMsMax,
    now: () => performance.now(),
    onProgress: (steps) => options.onProgress?.({ done: done.length, parts: parts.length, steps }),
  })
  for (const part of parts) done.push(checkPart(part, budget))
  return { verdict: worstOf(done), operations: entries.length, parts: done }
}

interface Part {
  readonly name: string
  readonly model: ModelName
  readonly entries: readonly Entry[]
}

function partsOf(entries: readonly Entry[], model: ModelName | undefined): Part[] {
  const modelOf = ({ operation: { store, kind } }: Entry): ModelName =>
    kind === 'lock' ? 'linearizable' : (model ?? promises[store])
  const nameOf = (entry: Entry): string => {
    const { key, kind, store } = entry.operation
    if (kind === 'lock') return `lock ${keyText(key)}`
    if (modelOf(entry) === 'linearizable') return `${store} ${keyText(key)}`
    return model === undefined ? store : 'all fields'
  }
  return [...groupBy(entries, nameOf)].map(([name, own]) => ({
    name,
    model: modelOf(own[0] as Entry),
    entries: own,
  }))
}

function checkPart(part: Part, budget: Budget): PartResult {
  const { verdict, window, why } = findingOf(part, budget)
  const operations = part.entries.length
  const result = { name: part.name, model: part.model, verdict, operations }
  return window === undefined ? result : { ...result, window: windowOf(part, window, why) }
}

function findingOf({ entries, model }: Part, budget: Budget): Finding {
  if (model === 'linearizable') return checkLinear(entries, budget)
  if (model === 'sequential') return checkSequential(entries, budget)
  return checkSeen(entries, model, budget)
}

function windowOf(part: Part, acts: readonly Act[], why: string | undefined): Window {
  const { sentence, marked } = explain(acts, part.model)
  // A release by the system stands in no line.
  const entries = [...new Set(acts.filter((act) => !act.isSystem).map(({ entry }) => entry))]
  entries.sort((a, b) => a.operation.start - b.operation.start || a.line - b.line)
  const fields = new Set(entries.map(fieldOf))
  const initial = part.entries.filter(
    (entry) => entry.operation.op === 'init' && fields.has(fieldOf(entry)),
  )
  const contradicting = new Set(marked.map(({ entry }) => entry))
  return {
    operations: entries.map(({ operation }) => operation),
    lines: entries.map(({ line }) => line),
    initial: initial.map(({ operation }) => operation),
    marked: [...entries.keys()].filter((index) => contradicting.has(entries[index] as Entry)),
    reason: why ?? sentence,
  }
}

function worstOf(parts: readonly PartResult[]): Verdict {
  const verdicts = parts.map(({ verdict }) => verdict)
  if (verdicts.includes('illegal')) return 'illegal'
  return verdicts.includes('unknown') ? 'unknown' : 'ok'
}
