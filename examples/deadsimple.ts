/** The simplest program there is: a routine sets a field, and the program waits for it. */
import { goaway, isSpawner, StrictCentralized } from 'goaway'

const s = StrictCentralized('s', { value: 0 })

export async function setShared(value: number): Promise<void> {
  await s.set('value', value)
}

if (isSpawner) {
  console.log(`The value is ${await s.get('value')}`)
  await goaway(setShared, 5)
  console.log(`A routine has set it to ${await s.get('value')}`)
}
