/** Nodes as a table for a terminal, a pipe or a log. */
import Table from 'cli-table3'
import { addressText } from '../deploy/listen-address.ts'
import type { NodeState } from './node-states.ts'

const titleLengthMax = 40

/** Lines alone would tell nothing that space does not. */
const bare = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
}

const columns = [
  'NAME',
  'ADDRESS',
  'STATE',
  'APPLICATION',
  'SINCE',
  'THREADS',
  'RUNNING',
  'WAITING',
  'DONE',
  'OBJECTS',
  'LOCKS',
  'MEMORY',
  'VERSION',
]
const numbers = new Set(['THREADS', 'RUNNING', 'WAITING', 'DONE', 'OBJECTS', 'LOCKS', 'MEMORY'])

/** @param now in milliseconds since 1970 */
export function tableOf(states: readonly NodeState[], now: number): string {
  const table = new Table({
    head: columns,
    chars: bare,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
    colAligns: columns.map((name) => (numbers.has(name) ? 'right' : 'left')),
  })
  for (const state of states) table.push(rowOf(state, now))
  const lines = table.toString().split('\n')
  const troubles = states.flatMap(({ error }) => (error === undefined ? [] : [error.message]))
  return [...lines.map((line) => line.trimEnd()), ...troubles].join('\n')
}

function rowOf(state: NodeState, now: number): string[] {
  const { name, status } = state
  const address = addressText(state)
  if (status === undefined) return [name, address, 'unreachable', ...columns.slice(3).map(() => '')]
  const { title, since, threads, running, waiting, done, objects, locks } = status
  return [
    name,
    address,
    status.state,
    title === undefined ? '' : shorten(title),
    since === undefined ? '' : durationText(now - since),
    ...[threads, running, waiting, done, objects, locks].map(String),
    bytesText(status.memoryBytes),
    status.version,
  ]
}

/** A title comes from another machine: it may not move the cursor. */
function shorten(title: string): string {
  const plain = title.replaceAll(/\p{C}/gu, '?')
  return plain.length <= titleLengthMax ? plain : `${plain.slice(0, titleLengthMax - 1)}…`
}

/** Two units at most: "3 h 12 min". */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}

export function bytesText(bytes: number): string {
  const mebibytes = bytes / 2 ** 20
  if (mebibytes < 1024) return `${Math.round(mebibytes)} MiB`
  return `${(mebibytes / 1024).toFixed(1)} GiB`
}
