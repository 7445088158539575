// Sections and invariants (S1..) are those of docs/protocols/strict.md.
import t from 'tap'
import type { StrictInput } from '../../lib/protocol/strict.ts'
import { strict } from '../../lib/protocol/strict.ts'
import type { StrictOperation } from '../../lib/wire/messages.ts'
import { StrictMaster } from './strict-master.ts'

t.test('strict.step() get', async (t) => {
  t.test('answers version 0 for an absent field, and leaves no object behind', async (t) => {
    const master = new StrictMaster()
    t.strictSame(master.say('get', 'o', 'x', 0), [0, undefined])
    t.strictSame(master.say('get', 'o', 'x', 7), [0, undefined])
    t.equal(master.state.objects.size, 0)
  })
  t.test('answers version and value to a reader that has not seen it', async (t) => {
    const master = new StrictMaster()
    master.say('set', 'o', 'x', 'v', null)
    t.strictSame(master.say('get', 'o', 'x', 0), [1, 'v'])
    t.strictSame(master.say('get', 'o', 'x', 2), [1, 'v'], 'also one that has seen a later version')
  })
  t.test('answers the version alone to a reader that has seen it', async (t) => {
    const master = new StrictMaster()
    master.say('set', 'o', 'x', 'v', null)
    t.strictSame(master.say('get', 'o', 'x', 1), [1])
  })
})

t.test('strict.step() set', async (t) => {
  t.test(
    'S2: versions of an object only grow, also over fields, delete and set again',
    async (t) => {
      const master = new StrictMaster()
      t.equal(master.say('set', 'o', 'x', 1, null), 1)
      t.equal(master.say('set', 'o', 'y', 1, null), 2)
      t.equal(master.say('delete', 'o', 'x', null), true)
      t.equal(master.say('set', 'o', 'x', 1, null), 3)
      t.equal(master.say('set', 'p', 'x', 1, null), 1, 'another object counts by itself')
    },
  )
  t.test('without a call takes effect and answers nothing', async (t) => {
    const master = new StrictMaster()
    const operation = ['set', 'o', 'x', 5, null] as const
    t.strictSame(master.step({ type: 'request', client: 1, call: 0, operation }), [])
    t.strictSame(master.say('get', 'o', 'x', 0), [1, 5])
  })
  t.test('keeps bytes as they are', async (t) => {
    const master = new StrictMaster()
    const bytes = Uint8Array.of(1, 2)
    master.say('set', 'o', 'x', bytes, null)
    t.strictSame(master.say('get', 'o', 'x', 0), [1, bytes])
  })
  t.test('S6: names of Object.prototype are names like any other', async (t) => {
    const master = new StrictMaster()
    for (const name of ['__proto__', 'constructor', 'toString', '']) {
      t.strictSame(master.say('get', name, name, 0), [0, undefined])
      t.equal(master.say('set', name, name, name, null), 1)
      t.strictSame(master.say('get', name, name, 0), [1, name])
      t.strictSame(master.say('keys', name), [name])
    }
    t.equal(Object.getPrototypeOf({}), Object.prototype)
  })
})

t.test('strict.step() add', async (t) => {
  t.test('starts from 0 at an absent field, and answers version and sum', async (t) => {
    const master = new StrictMaster()
    t.strictSame(master.say('add', 'o', 'x', 3, null), [true, 1, 3])
    t.strictSame(master.say('add', 'o', 'x', -5, null), [true, 2, -2])
  })
  t.test('refuses what is not a number, and changes nothing', async (t) => {
    const master = new StrictMaster()
    for (const value of ['1', null, undefined, true, Uint8Array.of(1)]) {
      master.say('set', 'o', 'x', value, null)
      const before = master.say('get', 'o', 'x', 0)
      t.equal(master.say('add', 'o', 'x', 1, null), 'ERR_GOAWAY_NOT_A_NUMBER')
      t.strictSame(master.say('get', 'o', 'x', 0), before)
    }
    t.equal(master.say('add', 'o', 'y', '1' as unknown as number, null), 'ERR_GOAWAY_NOT_A_NUMBER')
    t.strictSame(master.say('keys', 'o'), ['x'])
  })
})

t.test('strict.step() compareAndSet', async (t) => {
  t.test('writes if the value is the expected one by Object.is', async (t) => {
    const master = new StrictMaster()
    master.say('set', 'o', 'x', Number.NaN, null)
    t.strictSame(master.say('compareAndSet', 'o', 'x', Number.NaN, 0, null), [true, 2, 0])
    t.strictSame(master.say('compareAndSet', 'o', 'x', -0, 1, null), [false, 2, 0])
    t.strictSame(master.say('compareAndSet', 'o', 'x', 0, 1, null), [true, 3, 1])
    t.strictSame(master.say('compareAndSet', 'o', 'x', '1', 2, null), [false, 3, 1])
  })
  t.test('takes undefined for absent and for undefined', async (t) => {
    const master = new StrictMaster()
    t.strictSame(master.say('compareAndSet', 'o', 'x', null, 1, null), [false, 0, undefined])
    t.equal(master.state.objects.size, 0, 'a write that did not take place makes no object')
    t.strictSame(master.say('compareAndSet', 'o', 'x', undefined, undefined, null), [
      true,
      1,
      undefined,
    ])
    t.strictSame(master.say('compareAndSet', 'o', 'x', undefined, 2, null), [true, 2, 2])
  })
  t.test('never finds bytes equal to an inline value', async (t) => {
    const master = new StrictMaster()
    const bytes = Uint8Array.of(1)
    master.say('set', 'o', 'x', bytes, null)
    t.strictSame(master.say('compareAndSet', 'o', 'x', undefined, 2, null), [false, 1, bytes])
  })
})

t.test('strict.step() replace', async (t) => {
  t.test('writes if the version is exactly the given one', async (t) => {
    const master = new StrictMaster()
    master.say('set', 'o', 'x', 'a', null)
    master.say('set', 'o', 'x', 'b', null)
    t.strictSame(master.say('replace', 'o', 'x', 1, 'c', null), [false, 2, 'b'])
    t.strictSame(master.say('replace', 'o', 'x', 3, 'c', null), [false, 2, 'b'])
    t.strictSame(master.say('replace', 'o', 'x', 2, 'c', null), [true, 3, 'c'])
  })
  t.test('takes version 0 for absent', async (t) => {
    const master = new StrictMaster()
    t.strictSame(master.say('replace', 'o', 'x', 1, 'a', null), [false, 0, undefined])
    t.strictSame(master.say('replace', 'o', 'x', 0, 'a', null), [true, 1, 'a'])
    t.strictSame(master.say('replace', 'o', 'x', 0, 'b', null), [false, 1, 'a'])
  })
  t.test('is not fooled by a field that was deleted and set again', async (t) => {
    const master = new StrictMaster()
    master.say('set', 'o', 'x', 'a', null)
    master.say('delete', 'o', 'x', null)
    master.say('set', 'o', 'x', 'a', null)
    t.strictSame(master.say('replace', 'o', 'x', 1, 'b', null), [false, 2, 'a'])
  })
})

t.test('strict.step() delete answers whether the field was there', async (t) => {
  const master = new StrictMaster()
  t.equal(master.say('delete', 'o', 'x', null), false)
  master.say('set', 'o', 'x', undefined, null)
  t.equal(master.say('delete', 'o', 'x', null), true)
  t.equal(master.say('delete', 'o', 'x', null), false)
  t.strictSame(master.say('get', 'o', 'x', 1), [0, undefined])
})

t.test('strict.step() keys and entries list what is there, undefined values too', async (t) => {
  const master = new StrictMaster()
  t.strictSame(master.say('keys', 'o'), [])
  t.strictSame(master.say('entries', 'o'), [])
  master.say('set', 'o', 'x', 1, null)
  master.say('set', 'o', 'y', undefined, null)
  master.say('set', 'o', 'z', 3, null)
  master.say('delete', 'o', 'x', null)
  t.strictSame(master.say('keys', 'o'), ['y', 'z'])
  t.strictSame(master.say('entries', 'o'), [
    ['y', 2, undefined],
    ['z', 3, 3],
  ])
})

t.test('strict.step() init', async (t) => {
  t.test('S5: sets a field once, whatever became of it', async (t) => {
    const master = new StrictMaster()
    t.equal(master.say('init', 'o', [['x', 1]]), null)
    t.strictSame(master.say('get', 'o', 'x', 0), [1, 1])
    master.say('init', 'o', [['x', 2]])
    t.strictSame(master.say('get', 'o', 'x', 0), [1, 1], 'not over the first init')
    master.say('set', 'o', 'x', 3, null)
    master.say('init', 'o', [['x', 2]])
    t.strictSame(master.say('get', 'o', 'x', 0), [2, 3], 'not over a later value')
    master.say('delete', 'o', 'x', null)
    master.say('init', 'o', [['x', 2]])
    t.strictSame(master.say('get', 'o', 'x', 0), [0, undefined], 'not after a delete')
  })
  t.test('S5: does not write over a value that was set before, then or later', async (t) => {
    const master = new StrictMaster()
    master.say('set', 'o', 'x', 'first', null)
    master.say('init', 'o', [['x', 1]])
    t.strictSame(master.say('get', 'o', 'x', 0), [1, 'first'])
    master.say('delete', 'o', 'x', null)
    master.say('init', 'o', [['x', 1]])
    t.strictSame(master.say('get', 'o', 'x', 0), [0, undefined])
  })
  t.test('sets each field by itself, and of a name given twice the first', async (t) => {
    const master = new StrictMaster()
    master.say('init', 'o', [['x', 1]])
    const fields = [
      ['x', 2],
      ['y', 3],
      ['y', 4],
    ] as const
    master.say('init', 'o', fields)
    t.strictSame(master.say('entries', 'o'), [
      ['x', 1, 1],
      ['y', 2, 3],
    ])
  })
  t.test('is a write: whoever waits for the field is answered', async (t) => {
    const master = new StrictMaster()
    master.ask(['wait', 'o', 'x', 0], 2)
    const outputs = master.ask(['init', 'o', [['x', 9]]])
    t.strictSame(master.answered(outputs), [
      [1, null],
      [2, [1, 9]],
    ])
  })
})

t.test('strict.step() wait', async (t) => {
  t.test('is answered at once if the version differs, in either direction', async (t) => {
    const master = new StrictMaster()
    master.say('set', 'o', 'x', 'v', null)
    t.strictSame(master.say('wait', 'o', 'x', 0), [1, 'v'])
    t.strictSame(master.say('wait', 'o', 'x', 2), [1, 'v'])
    master.say('delete', 'o', 'x', null)
    t.strictSame(master.say('wait', 'o', 'x', 1), [0, undefined])
  })
  t.test('S4: is parked, and answered by the write that comes next', async (t) => {
    const master = new StrictMaster()
    master.say('set', 'o', 'x', 'v', null)
    t.strictSame(master.ask(['wait', 'o', 'x', 1], 2), [{ type: 'parked', client: 2, call: 2 }])
    t.strictSame(master.answered(master.ask(['set', 'o', 'y', 1, null])), [[1, 2]])
    const outputs = master.ask(['set', 'o', 'x', 'v', null])
    t.strictSame(
      outputs,
      [
        { type: 'answer', client: 1, call: 4, answer: 3 },
        { type: 'answer', client: 2, call: 2, answer: [3, 'v'] },
      ],
      'the same value again is a write all the same',
    )
    t.strictSame(master.answered(master.ask(['set', 'o', 'x', 'w', null])), [[1, 4]], 'but once')
    t.equal(master.state.waiting.size, 0)
  })
  t.test('S4: is answered by each kind of write', async (t) => {
    const writes: readonly (readonly [StrictOperation, readonly unknown[]])[] = [
      [
        ['set', 'o', 'x', 5, null],
        [2, 5],
      ],
      [
        ['add', 'o', 'x', 5, null],
        [2, 6],
      ],
      [
        ['compareAndSet', 'o', 'x', 1, 7, null],
        [2, 7],
      ],
      [
        ['replace', 'o', 'x', 1, 8, null],
        [2, 8],
      ],
      [
        ['delete', 'o', 'x', null],
        [0, undefined],
      ],
    ]
    for (const [write, answer] of writes) {
      const master = new StrictMaster()
      master.say('set', 'o', 'x', 1, null)
      master.ask(['wait', 'o', 'x', 1], 2)
      t.strictSame(master.answered(master.ask(write))[1], [2, answer], write[0])
    }
  })
  t.test('stays parked over a write that does not take place', async (t) => {
    const master = new StrictMaster()
    master.say('set', 'o', 'x', 'v', null)
    master.ask(['wait', 'o', 'x', 1], 2)
    const failures: StrictOperation[] = [
      ['compareAndSet', 'o', 'x', 'w', 1, null],
      ['replace', 'o', 'x', 0, 1, null],
      ['add', 'o', 'x', 1, null],
      ['set', 'o', 'x', 1, [['l', 9]]],
      ['init', 'o', [['x', 1]]],
    ]
    for (const failure of failures) t.equal(master.ask(failure).length, 1, failure[0])
  })
  t.test('S4: calls are answered in the order of arrival', async (t) => {
    const master = new StrictMaster()
    for (const client of [3, 2, 4, 2]) master.ask(['wait', 'o', 'x', 0], client)
    const outputs = master.ask(['set', 'o', 'x', 1, null])
    t.strictSame(
      outputs.map((each) => [each.type, 'client' in each && each.client]),
      [1, 3, 2, 4, 2].map((client) => ['answer', client]),
    )
  })
  t.test('without a call does nothing', async (t) => {
    const master = new StrictMaster()
    const operation = ['wait', 'o', 'x', 0] as const
    t.strictSame(master.step({ type: 'request', client: 1, call: 0, operation }), [])
    t.strictSame(master.state, strict.initial())
  })
  t.test('refuses a call that waits already', async (t) => {
    const master = new StrictMaster()
    const again: StrictInput = {
      type: 'request',
      client: 1,
      call: 7,
      operation: ['wait', 'o', 'x', 0],
    }
    master.step(again)
    t.match(master.step(again), [{ type: 'refuse', code: 'ERR_GOAWAY_PROTOCOL' }])
    t.strictSame(master.answered(master.ask(['set', 'o', 'x', 1, null])).length, 2)
  })
})

t.test('strict.step() forget', async (t) => {
  t.test('stops one wait and no other', async (t) => {
    const master = new StrictMaster()
    master.ask(['wait', 'o', 'x', 0], 2)
    master.ask(['wait', 'o', 'x', 0], 2)
    master.ask(['wait', 'o', 'x', 0], 3)
    t.strictSame(master.step({ type: 'forget', client: 2, call: 2 }), [])
    const outputs = master.ask(['set', 'o', 'x', 1, null])
    t.strictSame(
      outputs.map((each) => 'call' in each && each.call),
      [4, 1, 3],
    )
  })
  t.test('S7: leaves nothing behind', async (t) => {
    const master = new StrictMaster()
    master.ask(['wait', 'o', 'x', 0], 2)
    master.step({ type: 'forget', client: 2, call: 1 })
    t.strictSame(master.state, strict.initial())
  })
  t.test('of a call that was answered, or never made, does nothing', async (t) => {
    const master = new StrictMaster()
    master.ask(['wait', 'o', 'x', 0], 2)
    master.ask(['set', 'o', 'x', 1, null])
    t.strictSame(master.step({ type: 'forget', client: 2, call: 1 }), [])
    t.strictSame(master.step({ type: 'forget', client: 9, call: 9 }), [])
  })
})

t.test('strict.step() clientLost drops its waits and keeps its writes', async (t) => {
  const master = new StrictMaster()
  master.ask(['set', 'o', 'x', 1, null], 2)
  master.ask(['wait', 'o', 'x', 1], 2)
  master.ask(['wait', 'o', 'y', 0], 2)
  master.ask(['wait', 'o', 'x', 1], 3)
  t.strictSame(master.step({ type: 'clientLost', client: 2 }), [])
  t.strictSame(master.answered(master.ask(['set', 'o', 'x', 2, null])), [
    [1, 2],
    [3, [2, 2]],
  ])
  t.strictSame(master.answered(master.ask(['set', 'o', 'y', 2, null])), [[1, 3]])
})

t.test('strict.step() refuses an operation that it does not know', async (t) => {
  const master = new StrictMaster()
  t.equal(master.say(...(['burn', 'o'] as unknown as StrictOperation)), 'ERR_GOAWAY_PROTOCOL')
})
