/** What the tests of `Weak` run on other threads. */
import { Weak } from 'goaway/sync'

const own = Weak<Record<string, unknown>>('one way')

export function lookAtWeak(field: string): unknown {
  return own[field]
}
