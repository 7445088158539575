/**
 * Checks a history against what was promised: which operations have to be explained together, and
 * by which model.
 */
import type { HistoryOperation, HistoryStore } from '../history/format.ts'
import { checkMsMax, checkStepsMax } from '../limits.ts'
import type { Act, Entry } from './act.ts'
import { Budget } from './budget.ts'
import type { CheckOptions, CheckResult, ModelName, PartResult, Window } from './check-result.ts'
import { explain } from './explain.ts'
import { groupBy } from './group-by.ts'
import { checkLinear, type Finding } from './linear-check.ts'
import type { Verdict } from './linear-search.ts'
import { keyText } from './operation-text.ts'
import { fieldOf, type History, toHistory } from './read-history.ts'
import { checkSeen } from './seen-check.ts'
import { checkSequential } from './sequential-check.ts'

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
