/** Operations and values in few words. */
import type { HistoryOperation, Json } from '../history/format.ts'

const valueCharactersMax = 20

export function valueText(value: Json | undefined): string {
  if (value === undefined || value === null) return 'absent'
  return shorten(JSON.stringify(value))
}

function shorten(text: string): string {
  return text.length > valueCharactersMax ? `${text.slice(0, valueCharactersMax - 1)}…` : text
}

/** What was done, and what was answered if that tells anything. */
export function opName({ op, arg, exp, out, ok, end }: HistoryOperation): string {
  switch (op) {
    case 'read':
      return `read ${valueText(out)}`
    case 'write':
      return `write ${valueText(arg)}`
    case 'cas':
      return `cas ${valueText(exp)}→${valueText(arg)}${ok ? '' : ': no'}`
    case 'add':
      return `add ${valueText(arg)}${out === undefined || end < 0 ? '' : ` = ${valueText(out)}`}`
    case 'delete':
      return `delete${out === false ? ': absent' : ''}`
    case 'acquire':
      return `acquire${out === undefined ? '' : ` #${shorten(JSON.stringify(out))}`}`
    case 'release':
      return `release${arg === undefined ? '' : ` #${shorten(JSON.stringify(arg))}`}`
    default:
      return `at first ${valueText(arg)}`
  }
}

/** A key as it can be shown; names of locks may hold anything. */
export function keyText(key: string): string {
  return /^[^\p{C}\p{Z}]+$/u.test(key) ? key : JSON.stringify(key)
}
