// Fences (S3) and limits: docs/protocols/strict.md.
import t from 'tap'
import {
  foreignLocksMax,
  strictFieldsMax,
  strictObjectsMax,
  strictWaitsMax,
} from '../../lib/limits.ts'
import type { StrictOperation } from '../../lib/wire/messages.ts'
import { StrictMaster } from './strict-master.ts'

t.test('strict.step() fences', async (t) => {
  const writes = (token: number): StrictOperation[] => [
    ['set', 'o', 'x', 2, [['l', token]]],
    ['add', 'o', 'x', 2, [['l', token]]],
    ['compareAndSet', 'o', 'x', 1, 2, [['l', token]]],
    ['compareAndSet', 'o', 'x', 'other', 2, [['l', token]]],
    ['replace', 'o', 'x', 1, 2, [['l', token]]],
    ['delete', 'o', 'x', [['l', token]]],
  ]
  const holding = (token: number): StrictMaster => {
    const master = new StrictMaster()
    master.say('set', 'o', 'x', 1, null)
    master.step({ type: 'lockGranted', lock: 'l', token })
    return master
  }
  t.test('let the holder write', async (t) => {
    for (const write of writes(5)) {
      t.equal(holding(5).ask(write)[0]?.type, 'answer', write[0])
    }
  })
  t.test('S3: refuse every kind of write with an earlier or a later token', async (t) => {
    for (const token of [4, 6]) {
      for (const write of writes(token)) {
        const master = holding(5)
        const code = 'ERR_GOAWAY_STALE_TOKEN'
        const message = `write under lock "l" with token ${token}: its holder has token 5`
        t.match(master.ask(write), [{ type: 'refuse', code, message }], write[0])
        t.strictSame(master.say('get', 'o', 'x', 0), [1, 1])
      }
    }
  })
  t.test('S3: refuse once the lock is free, before anybody else has it', async (t) => {
    const master = holding(5)
    master.step({ type: 'lockFreed', lock: 'l', token: 5 })
    t.match(master.ask(['set', 'o', 'x', 2, [['l', 5]]]), [
      { type: 'refuse', code: 'ERR_GOAWAY_STALE_TOKEN', message: /nobody holds it/ },
    ])
    t.equal(master.state.holders.size, 0)
  })
  t.test('hold of all locks named, and of no other', async (t) => {
    const master = holding(5)
    const both = [
      ['l', 5],
      ['m', 6],
    ] as const
    t.equal(master.say('set', 'o', 'x', 2, both), 'ERR_GOAWAY_STALE_TOKEN')
    master.step({ type: 'lockGranted', lock: 'm', token: 6 })
    t.equal(master.say('set', 'o', 'x', 2, both), 2)
    t.equal(master.say('set', 'o', 'x', 3, []), 3)
    t.equal(master.say('set', 'o', 'x', 4, null), 4, 'a write without fences is not refused')
  })
  t.test('are not moved by the end of an earlier holding', async (t) => {
    const master = holding(5)
    master.step({ type: 'lockGranted', lock: 'l', token: 6 })
    master.step({ type: 'lockFreed', lock: 'l', token: 5 })
    t.equal(master.say('set', 'o', 'x', 2, [['l', 6]]), 2)
  })
  t.test('hold for a write without a call too, which is then dropped in silence', async (t) => {
    const master = holding(5)
    const operation = ['set', 'o', 'x', 2, [['l', 4]]] as const
    t.strictSame(master.step({ type: 'request', client: 1, call: 0, operation }), [])
    t.strictSame(master.say('get', 'o', 'x', 0), [1, 1])
  })
})

t.test('strict.step() fences of locks that another master serves', async (t) => {
  const fenced = (token: number): StrictOperation => ['set', 'o', 'x', token, [['l', token, 1]]]
  t.test('refuse a token smaller than one that was seen', async (t) => {
    const master = new StrictMaster()
    t.equal(master.say(...fenced(5)), 1)
    t.equal(master.say(...fenced(5)), 2, 'the same holder again')
    t.equal(master.say(...fenced(7)), 3)
    const code = 'ERR_GOAWAY_STALE_TOKEN'
    t.match(master.ask(fenced(6)), [{ type: 'refuse', code, message: /later holder has token 7/ }])
    t.strictSame(master.say('get', 'o', 'x', 0), [3, 7])
  })
  t.test('learn of a token from a write that does not take place', async (t) => {
    const master = new StrictMaster()
    master.say('compareAndSet', 'o', 'x', 1, 2, [['l', 7, 1]])
    t.equal(master.say(...fenced(6)), 'ERR_GOAWAY_STALE_TOKEN')
  })
  t.test('learn nothing from a write that another fence refuses', async (t) => {
    const master = new StrictMaster()
    const both = [
      ['l', 7, 1],
      ['own', 1],
    ] as const
    t.equal(master.say('set', 'o', 'x', 1, both), 'ERR_GOAWAY_STALE_TOKEN')
    t.equal(master.say(...fenced(6)), 1)
  })
  t.test('are bounded', async (t) => {
    const master = new StrictMaster()
    for (let lock = 0; lock < foreignLocksMax; lock += 1) {
      master.state.foreignTokens.set(`${lock}`, 1)
    }
    t.equal(master.say(...fenced(1)), 'ERR_GOAWAY_LIMIT')
    t.equal(master.say('set', 'o', 'x', 1, [['7', 2, 1]]), 1)
  })
})

t.test('strict.step() limits', async (t) => {
  const code = 'ERR_GOAWAY_LIMIT'
  t.test('refuses one wait too many, until one has left', async (t) => {
    const master = new StrictMaster()
    for (let index = 0; index < strictWaitsMax; index += 1) master.ask(['wait', 'o', 'x', 0], 2)
    t.equal(master.say('wait', 'o', 'y', 0), code)
    t.equal(master.ask(['wait', 'p', 'x', 0])[0]?.type, 'parked', 'each object has its own bound')
    master.step({ type: 'forget', client: 2, call: 1 })
    t.equal(master.ask(['wait', 'o', 'y', 0])[0]?.type, 'parked')
    t.equal(master.ask(['set', 'o', 'x', 1, null]).length, strictWaitsMax)
  })
  t.test('refuses one field too many, but not a write to one that exists', async (t) => {
    const master = new StrictMaster()
    const fields = Array.from({ length: strictFieldsMax }, (_, index) => [`${index}`, 0] as const)
    t.equal(master.say('init', 'o', [...fields, ['more', 0]]), code)
    t.equal(master.state.objects.size, 0, 'nothing of a refused init took place')
    t.equal(master.say('init', 'o', fields), null)
    t.equal(master.say('set', 'o', 'more', 1, null), code)
    t.equal(master.say('add', 'o', 'more', 1, null), code)
    t.equal(master.say('compareAndSet', 'o', 'more', undefined, 1, null), code)
    t.equal(master.say('replace', 'o', 'more', 0, 1, null), code)
    t.strictSame(master.say('add', 'o', '7', 1, null), [true, strictFieldsMax + 1, 1])
    t.equal(master.say('delete', 'o', '7', null), true)
    t.equal(master.say('set', 'o', 'more', 1, null), strictFieldsMax + 2)
    t.equal(master.say('init', 'o', [['again', 1]]), code, 'names of init are bounded as well')
  })
  t.test('refuses one object too many', async (t) => {
    const master = new StrictMaster()
    master.say('set', '7', 'x', 1, null)
    const object = master.state.objects.get('7')
    if (object === undefined) return t.fail('object "7" exists')
    // To make a million of them would take seconds.
    for (let index = 8; index < strictObjectsMax + 7; index += 1) {
      master.state.objects.set(`${index}`, object)
    }
    t.equal(master.say('set', 'more', 'x', 1, null), code)
    t.equal(master.say('init', 'more', [['x', 1]]), code)
    t.equal(master.say('wait', 'more', 'x', 0), code)
    t.equal(master.say('set', '7', 'x', 2, null), 2)
  })
})
