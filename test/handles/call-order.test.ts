/** What one thread asks of one field takes effect in the order of its calls, awaited or not. */
import { init, LinFastRead, StrictCentralized, shutdown, Weak } from 'goaway'
import * as blocking from 'goaway/sync'
import t from 'tap'

await init({ threads: 1 })
t.teardown(() => shutdown())

interface Fields {
  x: number
  y: number
}

const models = {
  StrictCentralized: (name: string) =>
    [StrictCentralized<Fields>(name), blocking.StrictCentralized<Fields>(name)] as const,
  LinFastRead: (name: string) =>
    [LinFastRead<Fields>(name), blocking.LinFastRead<Fields>(name)] as const,
  Weak: (name: string) => [Weak<Fields>(name), blocking.Weak<Fields>(name)] as const,
}

for (const [model, make] of Object.entries(models)) {
  t.test(`a first read sees no write that was called after it (${model})`, async (t) => {
    const [object] = make('first read')
    const read = object.get('x')
    const write = object.set('x', 1)
    t.equal(await read, undefined)
    await write
    t.equal(await object.get('x'), 1)
  })

  t.test(`a first read sees no blocking write that was called after it (${model})`, async (t) => {
    const [object, same] = make('first read before a blocking write')
    const read = object.get('x')
    same.x = 1
    t.equal(await read, undefined)
    t.equal(same.x, 1)
  })

  t.test(`a first read is not later than a blocking one called after it (${model})`, async (t) => {
    const [object, same] = make('first read before a blocking one')
    const read = object.get('x')
    t.equal(same.x, undefined)
    same.x = 1
    t.equal(await read, undefined)
  })
}
