/** Kinds of values, each with what becomes of it: the one table that every way is held to. */
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import vm from 'node:vm'
import { MessageChannel } from 'node:worker_threads'
import { GoawayError } from '../../lib/errors.ts'
import { valueDepthMax } from '../../lib/limits.ts'

/** The array with a hole at 1. */
export function sparse<T extends unknown[]>(array: T): T {
  delete array[1]
  return array
}

export const shared = { shared: true }
export const cyclic: Record<string, unknown> = { list: [] }
cyclic.self = cyclic
;(cyclic.list as unknown[]).push(cyclic)
const cyclicMap = new Map<unknown, unknown>()
cyclicMap.set('self', cyclicMap).set(cyclicMap, 1)
const cyclicError = new Error('a')
cyclicError.cause = { error: cyclicError }
let deepest: unknown = 1
for (let depth = 0; depth < valueDepthMax - 1; depth++)
  deepest = depth % 2 ? [deepest] : { deepest }
const large = Array.from({ length: 20_000 }, (_, index) => ({ index, text: `text ${index}` }))
const wide = Object.fromEntries(
  Array.from({ length: 70_000 }, (_, index) => [`key ${index}`, index]),
)

/** Each arrives equal, by every way. */
export const equal: [string, unknown][] = [
  ['zero', 0],
  ['-0', -0],
  ['NaN', Number.NaN],
  ['Infinity', Number.NEGATIVE_INFINITY],
  [
    'integers about the bounds',
    [-33, -32, -1, 127, 128, 255, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53],
  ],
  ['fractions', [0.1, -1.5, Number.MIN_VALUE, Number.MAX_VALUE]],
  ['booleans and nothing', [true, false, null, undefined]],
  ['null', null],
  ['undefined', undefined],
  ['an undefined property', { a: undefined }],
  ['a string', 'plain'],
  ['an empty string', ''],
  [
    'a string of other scripts',
    ['é', 'ж'.repeat(31), '漢字', '😀'.repeat(400), `\uFEFF${'x'.repeat(100)}`],
  ],
  ['a long string', 'long '.repeat(50_000)],
  ['a lone surrogate', '\ud800'],
  ['a lone surrogate in a key', { 'a\udc00': 1 }],
  ['NUL characters', '\0\0'],
  ['small bigints', [10n, -1n, 0n, 2n ** 63n - 1n, -(2n ** 63n)]],
  ['large bigints', [2n ** 63n, 2n ** 64n, -(2n ** 70n), 10n ** 400n]],
  ['an empty object', {}],
  ['an empty array', []],
  ['a nested object', { a: { b: [1, { c: 'd' }] }, e: 'f' }],
  ['an object of many keys', wide],
  ['a large array of objects', large],
  ['a large array of numbers', Array.from({ length: 100_000 }, (_, index) => index / 3)],
  ['an object without prototype', Object.assign(Object.create(null), { a: 1 })],
  ['a key __proto__', JSON.parse('{"__proto__": {"a": 1}, "b": 2}')],
  [
    'keys that codecs look at',
    { constructor: 1, toJSON: 2, hasOwnProperty: 3, valueOf: 4, length: 5 },
  ],
  ['keys that are numbers', { 2: 'b', 1: 'a', '-1': 'c', 1.5: 'd' }],
  ['a sparse array', sparse([1, 2, 3])],
  ['a very sparse array', Object.assign([], { 4000000000: 'x' })],
  ['an array with a named property', Object.assign([1, 2], { name: 'x' })],
  ['an array with a hole and a named property', Object.assign(sparse([1, 2, 3]), { name: 'x' })],
  ['a shared reference', [shared, { again: shared }]],
  ['a cycle', cyclic],
  ['a cycle through a map', cyclicMap],
  ['a frozen object', Object.freeze({ a: Object.freeze([1]) })],
  ['nesting as deep as allowed', deepest],
  [
    'a map',
    new Map<unknown, unknown>([
      ['a', 1],
      [{ b: 2 }, new Map([[Number.NaN, -0]])],
    ]),
  ],
  ['a set', new Set<unknown>([1, 'a', { b: 2 }, new Set([[]])])],
  ['a date', new Date(1e12)],
  ['an invalid date', new Date(Number.NaN)],
  ['a regular expression', /a\/b/giu],
  ['boxed primitives', [Object(1), Object(-0), Object('s'), Object(true), Object(10n)]],
  ['an ArrayBuffer', new Uint8Array([1, 2, 3]).buffer],
  ['typed arrays', [new Uint8Array([1]), new Float64Array([0.5, -0]), new BigInt64Array([-1n])]],
  ['a large typed array', new Float32Array(100_000).fill(0.25)],
  ['a part of a typed array', new Uint16Array([1, 2, 3, 4]).subarray(1, 3)],
  ['a DataView of a part', new DataView(new ArrayBuffer(64), 8, 4)],
  ['a view and its buffer', ((bytes) => ({ bytes, buffer: bytes.buffer }))(new Uint8Array(4))],
  ['a Buffer of the pool', Buffer.from('hello')],
  ['a large Buffer', Buffer.alloc(200_000, 1)],
  ['a Buffer within', { list: [Buffer.alloc(3, 7), new Map([['b', Buffer.from('x')]])] }],
  ['an error', new TypeError('broken', { cause: { a: [1] } })],
  ['an error with properties', Object.assign(new Error('x'), { code: 'E', at: new Date(0) })],
  ['a cycle through an error', cyclicError],
  ['an AggregateError', new AggregateError([new RangeError('a'), 'b'], 'all')],
  ['a GoawayError', new GoawayError('ERR_GOAWAY_LIMIT', 'x', { routine: 1 })],
  ['process.memoryUsage()', process.memoryUsage()],
]

class Point {
  x = 1
}
class MyArray extends Array {}
class MyMap extends Map {}
class MyDate extends Date {}
class MyBytes extends Uint8Array {}
const handle = new Proxy(
  {},
  {
    get(_target, key) {
      if (key === Symbol.for('goaway.handle')) return true
      throw new Error('a read of the store')
    },
  },
)
const revoked = Proxy.revocable({}, {})
revoked.revoke()
const named = Object.assign(new Map(), { name: 'x' })
const symbolKeyed = { [Symbol('key')]: 1 }
const throwing = {
  get x() {
    throw new Error('no')
  },
}
const hostileTag = Object.create(null, {
  [Symbol.toStringTag]: {
    get() {
      throw new Error('no')
    },
  },
})
const detached = new ArrayBuffer(8)
const detachedView = new Uint8Array(detached)
structuredClone(detached, { transfer: [detached] })

/** Each is refused, by every way, with a message like this. */
export const refused: [string, unknown, RegExp][] = [
  ['a function', () => {}, /is a function/],
  ['an async function', async () => {}, /is an async function/],
  ['a class', Point, /is a function/],
  ['a symbol', Symbol('s'), /is a symbol/],
  ['a symbol key', symbolKeyed, /has the symbol key Symbol\(key\)/],
  ['a symbol key of an array', Object.assign([1], symbolKeyed), /symbol key/],
  ['a promise', Promise.resolve(1), /is a promise; await it/],
  ['a thenable', Object.fromEntries([['then', () => {}]]), /\.then is a function/],
  ['a WeakMap', new WeakMap(), /is a WeakMap/],
  ['a WeakSet', new WeakSet(), /is a WeakSet/],
  ['a WeakRef', new WeakRef({}), /is a WeakRef/],
  ['a generator', (function* () {})(), /is a generator/],
  ['an iterator', [1].values(), /is an iterator/],
  ['a handle that is a Proxy', handle, /is a goaway handle/],
  [
    'a handle that is a function',
    Object.assign(() => {}, { [Symbol.for('goaway.handle')]: 1 }),
    /handle/,
  ],
  ['a Proxy', new Proxy({ a: 1 }, {}), /is a Proxy/],
  ['a revoked Proxy', revoked.proxy, /is a Proxy/],
  ['an instance', new Point(), /is an instance of Point; .*\{ \.\.\.value \}/],
  ['an array of a class', MyArray.of(1), /MyArray/],
  ['a map of a class', new MyMap(), /MyMap/],
  ['a date of a class', new MyDate(0), /MyDate/],
  ['a typed array of a class', new MyBytes(1), /MyBytes/],
  ['a false map', Object.create(Map.prototype), /is an instance of Map/],
  ['a URL', new URL('http://x'), /is a URL.*href/],
  ['a stream', new Readable(), /instance of Readable/],
  ['a Blob', new Blob(['x']), /is an instance of Blob/],
  ['an AbortSignal', AbortSignal.abort(), /AbortSignal/],
  ['a map with a property', named, /has properties beside its content/],
  ['a large typed array with a property', Object.assign(new Uint8Array(1000), { a: 1 }), /beside/],
  ['a large Buffer with a property', Object.assign(Buffer.alloc(1000), { a: 1 }), /beside/],
  ['a getter that throws', throwing, /\.x throws/],
  [
    'arguments',
    (function () {
      // biome-ignore lint/complexity/noArguments: the point
      return arguments
    })(),
    /Arguments/,
  ],
  ['Math', Math, /Math/],
  ['a module', await import('node:path'), /Module/],
  ['a detached ArrayBuffer', detached, /detached/],
  ['a view of a detached ArrayBuffer', detachedView, /detached/],
  ['an object of another realm', vm.runInNewContext('({ a: 1 })'), /Object \(of another realm\)/],
  ['an array of another realm', vm.runInNewContext('[1]'), /Array/],
  ['too deep a nesting', [[deepest]], /nested deeper/],
  ['an object with a hostile tag', hostileTag, /unknown kind/],
  ['a boxed symbol', Object(Symbol('s')), /Symbol/],
  ['a MessagePort', new MessageChannel().port1, /is a MessagePort/],
  [
    'an error with a function',
    Object.assign(new Error('x'), { retry() {} }),
    /\.retry is a function/,
  ],
  ['require', createRequire(import.meta.url), /is a function/],
]
