/**
 * Whether what another node says of refs can be meant so. Who has the secret and yet speaks
 * nonsense is not listened to any more; a machine would go on with counts that are wrong for ever.
 */
import { refsIn } from '../client/payload.ts'
import { GoawayError } from '../errors.ts'
import { ownerOf } from '../protocol/ref-state.ts'
import type { RefMessage } from '../wire/ref-messages.ts'

/** @throws {GoawayError} ERR_GOAWAY_PROTOCOL */
export function checkRefMessage(message: RefMessage, from: number, to: number): void {
  if (!isSound(message as readonly unknown[], from, to)) {
    throw malformed(`a message ${JSON.stringify(message[0])} about refs`)
  }
}

/**
 * The refs in what came over a link.
 *
 * @throws {GoawayError} ERR_GOAWAY_PROTOCOL
 */
export function checkedRefsIn(payload: unknown): readonly number[] {
  const refs: unknown = refsIn(payload)
  if (isListOfRefs(refs)) return refs
  throw malformed('a value with refs')
}

function isSound([name, what, more]: readonly unknown[], from: number, to: number): boolean {
  switch (name) {
    case 'hold':
    case 'fetch':
      return isRef(what) && ownerOf(what) === to
    case 'drop':
      return isRef(what) && ownerOf(what) === to && Number.isSafeInteger(more) && Number(more) > 0
    case 'held':
    case 'gone':
    case 'free':
      return isRef(what) && ownerOf(what) === from
    case 'data':
      return isRef(what) && ownerOf(what) === from && isData(more)
    case 'arrived':
      return isListOfRefs(what)
    default:
      return false
  }
}

function isRef(ref: unknown): ref is number {
  return Number.isSafeInteger(ref) && (ref as number) >= 0
}

function isListOfRefs(refs: unknown): refs is readonly number[] {
  return Array.isArray(refs) && refs.every(isRef)
}

function isData(data: unknown): boolean {
  return Array.isArray(data) && data.length > 0 && data.every((one) => one instanceof Uint8Array)
}

function malformed(what: string): GoawayError {
  const text = `Cannot read ${what} of another node: it is not what this node understands`
  return new GoawayError('ERR_GOAWAY_PROTOCOL', text)
}
