import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import type { FunctionAddress } from '../../lib/client/locate.ts'
import { locate, registerModules } from '../../lib/client/locate.ts'
import { isLoadingModule, resolveFunction } from '../../lib/executor/resolve-function.ts'

const fixtures = new URL('../../../test/fixtures/locate/', import.meta.url)

function moduleUrl(name: string): string {
  return new URL(name, fixtures).href
}

/** An address as another thread would send it. */
function addressOf(module: string, name: string, more: object = {}): FunctionAddress {
  const at = { module: moduleUrl(module), name, exportName: name, fingerprint: 'unknown' }
  const place = { line: 0, column: 0, kind: 'function' as const }
  return { ...at, ...place, key: `${module} ${name} ${JSON.stringify(more)}`, ...more }
}

/** The answers of a worker that resolves and calls each of the functions. */
async function answersOf(addresses: readonly FunctionAddress[]): Promise<{ value?: unknown }[]> {
  const workerData = addresses.map((address) => ({ label: address.name, address }))
  const worker = new Worker(new URL('thread.mjs', fixtures), { workerData })
  const [answers] = await once(worker, 'message')
  await worker.terminate()
  return answers
}

t.test('resolveFunction() is synchronous once it knows the address', async (t) => {
  const { increase } = await import(moduleUrl('other.mjs'))
  const address = locate(increase)
  const first = resolveFunction(structuredClone(address))
  t.ok(first instanceof Promise)
  t.equal(await first, increase)
  t.equal(resolveFunction(structuredClone(address)), increase)
})

t.test('resolveFunction() rejects when the module does not export the function', async (t) => {
  await t.rejects(async () => resolveFunction(addressOf('other.mjs', 'decrease')), {
    code: 'ERR_GOAWAY_FUNCTION_NOT_EXPORTED',
    message: /function decrease of .*other\.mjs.*functions it exports: arrow, default, increase/,
  })
  await t.rejects(async () => resolveFunction(addressOf('other.mjs', 'increase')), {
    code: 'ERR_GOAWAY_FUNCTION_NOT_EXPORTED',
    message: /its export increase has another text/,
  })
})

t.test('resolveFunction() rejects when the module fails to load, each time', async (t) => {
  for (let attempt = 1; attempt <= 2; attempt++) {
    await t.rejects(async () => resolveFunction(addressOf('broken.mjs', 'increase')), {
      code: 'ERR_GOAWAY_MODULE_LOAD',
      message: /broken\.mjs on a thread: broken while it loads/,
      cause: new RangeError('broken while it loads'),
    })
  }
  await t.rejects(async () => resolveFunction(addressOf('nowhere.mjs', 'increase')), {
    code: 'ERR_GOAWAY_MODULE_LOAD',
    cause: { code: 'ERR_MODULE_NOT_FOUND' },
  })
})

t.test('resolveFunction() rejects when several exports agree and none is the place', async (t) => {
  const twins = await import(moduleUrl('twins.mjs'))
  const { fingerprint } = locate(twins.left)
  const at = { name: 'add', exportName: undefined, line: -1, column: -1 }
  await registerModules([moduleUrl('twins.mjs')])
  const closure = { ...locate(twins.one), ...at, key: 'closure' }
  await t.rejects(async () => resolveFunction(closure as unknown as FunctionAddress), {
    code: 'ERR_GOAWAY_FUNCTION_AMBIGUOUS',
    message: /function add of .*twins\.mjs.*exports one, two/,
  })
  const lambda = { ...locate(twins.left), ...at, name: '', fingerprint, key: 'lambda' }
  await t.rejects(async () => resolveFunction(lambda as unknown as FunctionAddress), {
    code: 'ERR_GOAWAY_FUNCTION_AMBIGUOUS',
  })
})

t.test('resolveFunction() tells equal closures apart by registered exports', async (t) => {
  const twins = await import(moduleUrl('twins.mjs'))
  await registerModules([moduleUrl('twins.mjs')])
  const answers = await answersOf([locate(twins.one), locate(twins.two)])
  t.match(answers, [{ value: 21 }, { value: 22 }])
})

t.test('resolveFunction() hands on what a module says that forgot isSpawner', async (t) => {
  for (const module of ['forgetful.mjs', 'imports-forgetful.mjs']) {
    await t.rejects(async () => resolveFunction(addressOf(module, 'increase')), {
      code: 'ERR_GOAWAY_NOT_SPAWNER',
    })
  }
})

t.test('isLoadingModule() holds in the module that loads, and nowhere else', async (t) => {
  const timeline: boolean[] = []
  let lookedOften = (): void => {}
  // The module is loading until then.
  Object.assign(globalThis, {
    untilLoaded: new Promise<void>((resolve) => {
      lookedOften = resolve
    }),
  })
  let loading = true
  const routine = (async () => {
    while (loading) {
      timeline.push(isLoadingModule())
      if (timeline.length === 4) lookedOften()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  const { report } = await new Promise<{ report: () => Promise<unknown> }>((resolve) => {
    // The module is loaded for another routine than the one that looks.
    const failed = Promise.resolve(resolveFunction(addressOf('loading.mjs', 'report')))
    failed.catch(async () => resolve(await import(moduleUrl('loading.mjs'))))
    t.equal(isLoadingModule(), false, 'the caller is not the module')
  })
  loading = false
  await routine
  t.ok(timeline.length > 3)
  t.notOk(timeline.includes(true))
  t.strictSame(await report(), {
    start: true,
    afterAwait: true,
    dependency: true,
    later: false,
    inRoutine: false,
  })
  t.equal(isLoadingModule(), false)
})
