/** Whether anything takes connections there; who it is shows when it is dialled. */
import { connect } from 'node:net'
import type { Address } from './listen-address.ts'

export function isListening({ host, port }: Address, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const answer = (is: boolean): void => {
      socket.destroy()
      resolve(is)
    }
    // Who was kept from its event loop for so long may have been connected meanwhile, and hears of
    // the time first.
    socket.setTimeout(timeoutMs, () => setImmediate(answer, false))
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
  })
}
