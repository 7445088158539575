/**
 * Which messages of a link must stay in order while a large value is on its way: those of one
 * client's requests, those of one routine, those of one file, those of one replicated store.
 */
import type { LinkMessage } from './messages.ts'

/** Messages without a lane wait for nothing, and nothing waits for them. */
export type Lane = string | number | undefined

/** Clients and routines are numbers of different kinds, and one of each may be equal. */
export function laneOf(message: LinkMessage): Lane {
  switch (message[0]) {
    case 'request':
    case 'acknowledge':
    case 'cease':
    case 'over':
    case 'gone':
    case 'reply':
    case 'refusal':
    case 'waiting':
      return message[1]
    case 'order':
    case 'cancel':
    case 'credit':
    case 'finish':
    case 'started':
    case 'value':
    case 'result':
    case 'returned':
    case 'failure':
      return -message[1]
    // A hash or a store's name: no two of these are alike.
    case 'blob':
    case 'store':
      return message[1]
    default:
      return undefined
  }
}
