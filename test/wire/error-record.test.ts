import { inspect } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import vm from 'node:vm'
import { pack, unpack } from 'msgpackr'
import t from 'tap'
import { decodeStored, type EncodedValue, encodeStored } from '../../lib/client/values.ts'
import { GoawayError } from '../../lib/errors.ts'
import { errorCauseDepthMax } from '../../lib/limits.ts'
import { type ErrorRecord, fromErrorRecord, toErrorRecord } from '../../lib/wire/error-record.ts'

type Loose = GoawayError & Record<string, unknown>

/** There and back, once by each way that records take. */
function cross(thrown: unknown, details = {}): Loose {
  const record = toErrorRecord(thrown, (value) => encodeStored(value, 'error'))
  const cloned = deserialize(serialize(record)) as ErrorRecord
  const packed = unpack(pack(record)) as ErrorRecord
  const decode = (encoded: unknown) => decodeStored(encoded as EncodedValue).value
  const [one, other] = [cloned, packed].map((way) => fromErrorRecord(way, decode, details))
  t.equal(inspect(one), inspect(other), 'structured clone and msgpack carry the same')
  return one as Loose
}

t.test('fromErrorRecord() gives a builtin its class, message and remote stack', async (t) => {
  const builtins = [Error, TypeError, RangeError, SyntaxError, ReferenceError, URIError, EvalError]
  for (const builtin of builtins) {
    const thrown = new builtin('broken')
    const arrived = cross(thrown)
    t.equal(Object.getPrototypeOf(arrived), builtin.prototype, builtin.name)
    t.ok(arrived instanceof GoawayError)
    t.equal(arrived.message, 'broken')
    t.equal(arrived.name, builtin.name)
    t.equal(arrived.stack, thrown.stack)
    t.equal(arrived.code, 'ERR_GOAWAY_ROUTINE')
  }
})

t.test(
  'fromErrorRecord() keeps code and own properties, and drops what cannot be carried',
  async (t) => {
    const thrown = Object.assign(new Error('no such file'), {
      code: 'ENOENT',
      errno: -2,
      path: '/x',
      seen: new Map([[1, new Date(0)]]),
      nothing: undefined,
      callback: () => {},
      __secret: 10n,
    })
    Object.defineProperty(thrown, '__proto__', { value: 1, enumerable: true })
    Object.defineProperty(thrown, 'bad', {
      enumerable: true,
      get() {
        throw new Error('getter')
      },
    })
    const arrived = cross(thrown)
    t.equal(arrived.code, 'ENOENT')
    t.equal(arrived.errno, -2)
    t.equal(arrived.path, '/x')
    t.same(arrived.seen, new Map([[1, new Date(0)]]))
    t.ok(Object.hasOwn(arrived, 'nothing'))
    t.notOk('callback' in arrived)
    t.notOk('bad' in arrived)
    t.equal(arrived.__secret, 10n)
    t.equal(Object.getPrototypeOf(arrived), Error.prototype)
  },
)

t.test('fromErrorRecord() names a class of the user', async (t) => {
  class Mine extends Error {}
  class Typed extends TypeError {
    override name = 'Shown'
  }
  class Coded extends Error {
    get code() {
      return 'E_CODED'
    }
  }
  t.equal(cross(new Mine('x')).name, 'Mine')
  t.equal(Object.getPrototypeOf(cross(new Mine('x'))), Error.prototype)
  t.equal(cross(new Typed('x')).name, 'Shown')
  t.ok(cross(new Typed('x')) instanceof TypeError)
  t.equal(cross(new Coded('x')).code, 'E_CODED')
})

t.test('fromErrorRecord() keeps causes, whatever they are', async (t) => {
  const arrived = cross(new Error('a', { cause: new RangeError('b', { cause: { c: [1] } }) }))
  const cause = arrived.cause as Error
  t.ok(cause instanceof RangeError)
  t.notOk(cause instanceof GoawayError, 'only the error itself is branded')
  t.same(cause.cause, { c: [1] })
  t.notOk(Object.keys(arrived).includes('cause'))
  t.equal(
    cross(new Error('a', { cause: new GoawayError('ERR_GOAWAY_TIMEOUT', 'x') })).cause instanceof
      GoawayError,
    true,
  )
  t.ok(Object.hasOwn(cross(new Error('a', { cause: undefined })), 'cause'))
})

t.test('fromErrorRecord() keeps cycles and bounds the chain', async (t) => {
  const cyclic: Error = new Error('a', { cause: new Error('b') })
  ;(cyclic.cause as Error).cause = cyclic
  const arrived = cross(cyclic)
  t.equal((arrived.cause as Error).cause, arrived)
  let deep = new Error('bottom')
  for (let depth = 0; depth < 100; depth++) deep = new Error(`${depth}`, { cause: deep })
  let count = 0
  for (let error: unknown = cross(deep); error instanceof Error; error = error.cause) count++
  t.equal(count, errorCauseDepthMax + 1)
})

t.test('fromErrorRecord() keeps the errors of an AggregateError', async (t) => {
  const shared = new TypeError('one')
  const arrived = cross(new AggregateError([shared, 'two', shared], 'all failed'))
  t.ok(arrived instanceof AggregateError)
  const errors = (arrived as unknown as AggregateError).errors
  t.equal(errors.length, 3)
  t.ok(errors[0] instanceof TypeError)
  t.equal(errors[1], 'two')
  t.equal(errors[2], errors[0])
})

t.test('fromErrorRecord() gives a GoawayError back as it was', async (t) => {
  const thrown = new GoawayError('ERR_GOAWAY_MASTER_LOST', 'gone', {
    maybeExecuted: true,
    routine: 7,
  })
  const arrived = cross(thrown, { routine: 8, node: 'n1', thread: 2, attempt: 1 })
  t.equal(Object.getPrototypeOf(arrived), GoawayError.prototype)
  t.equal(arrived.name, 'GoawayError')
  t.equal(arrived.code, 'ERR_GOAWAY_MASTER_LOST')
  t.equal(arrived.maybeExecuted, true)
  t.equal(arrived.routine, 7, 'its own details win')
  t.equal(arrived.node, 'n1')
  t.equal(arrived.thread, 2)
  t.equal(arrived.attempt, 1)
})

t.test('toErrorRecord() wraps what is not an error and shows it', async (t) => {
  for (const [thrown, shown] of [
    ['boom', '"boom"'],
    [undefined, 'undefined'],
    [null, 'null'],
    [42, '42'],
    [10n, '10n'],
    [{ a: 1 }, '{"a":1}'],
    [Symbol('s'), 'Symbol(s)'],
    [() => {}, 'function'],
  ] as const) {
    const arrived = cross(thrown)
    t.equal(arrived.code, 'ERR_GOAWAY_ROUTINE')
    t.match(arrived.message, shown)
    if (typeof thrown !== 'symbol' && typeof thrown !== 'function') t.same(arrived.cause, thrown)
  }
})

t.test('toErrorRecord() survives hostile errors', async (t) => {
  const bare = Object.setPrototypeOf(new TypeError('bare'), null)
  t.equal(cross(bare).message, 'bare')
  t.equal(cross(Object.freeze(new RangeError('frozen'))).message, 'frozen')
  const foreign = cross(vm.runInNewContext('new RangeError("foreign")'))
  t.equal(foreign.message, 'foreign')
  t.ok(foreign instanceof RangeError)
  const hostile = new Error('x')
  for (const key of ['stack', 'message', 'name', 'cause', 'code', 'constructor', 'errors']) {
    Object.defineProperty(hostile, key, {
      get() {
        throw new Error('no')
      },
    })
  }
  t.equal(cross(hostile).name, 'Error')
  const trapped = new Proxy(new Error('x'), {
    getPrototypeOf() {
      throw new Error('no')
    },
    ownKeys() {
      throw new Error('no')
    },
  })
  t.ok(cross(trapped) instanceof GoawayError)
  const { proxy, revoke } = Proxy.revocable(new Error('x'), {})
  revoke()
  t.ok(cross(proxy) instanceof GoawayError)
})

t.test('fromErrorRecord() keeps name and message of an AbortError', async (t) => {
  const arrived = cross(AbortSignal.abort().reason)
  t.equal(arrived.name, 'AbortError')
  t.equal(arrived.message, 'This operation was aborted')
  t.ok(arrived instanceof DOMException)
  t.ok(arrived instanceof GoawayError)
  t.equal(arrived.code, 'ERR_GOAWAY_ROUTINE')
})
