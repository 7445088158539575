/** Routines of `parked-load`, in a module that loads. */
import { StrictCentralized } from 'goaway'
import { StrictCentralized as BlockingStore } from 'goaway/sync'

interface Fields {
  met?: number
  parked?: number
  open?: boolean
}
export const fields = StrictCentralized<Fields>('parked-load')
const blocking = BlockingStore<Fields>('parked-load')

/** Keeps its thread until its fellow has another one. */
export function meet(): void {
  blocking.add('met')
  blocking.waitFor('met', (met) => met === 2)
}

export async function park(): Promise<string> {
  await fields.add('parked')
  await fields.waitFor('open')
  return 'went on'
}

export async function free(): Promise<string> {
  await fields.set('open', true)
  return 'ran'
}
