import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { locate, registerModules } from '../../lib/client/locate.ts'

const fixtures = new URL('../../../test/fixtures/locate/', import.meta.url)

interface Answer {
  refused?: string
  message?: string
  value?: unknown
  exportName?: string
  kind?: string
  again?: boolean
}

/** Runs node in the folder of the fixtures, and gives what it printed. */
function run(options: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const { NODE_OPTIONS: _, ...env } = process.env
    const child = spawn(process.execPath, options, { cwd: fileURLToPath(fixtures), env })
    let output = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    child.on('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`node ${options.join(' ')} exited with ${code}: ${errors}`))
    })
    child.stdin.end(input)
  })
}

async function report(...options: string[]): Promise<Record<string, Answer>> {
  return JSON.parse(await run(options))
}

/** The values that the worker's calls gave, checking that its own look-ups were cached. */
function valuesOf(t: Test, answers: Record<string, Answer>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(answers).map(([label, { value, again, refused, message }]) => {
      if (refused !== undefined) return [label, refused]
      t.equal(again, true, message ?? `${label} is remembered in the worker`)
      return [label, value]
    }),
  )
}

t.test('locate() finds every way to export, and a worker calls the same function', async (t) => {
  for (const options of [[], ['--import', 'tsx']]) {
    const answers = await report(...options, 'esm-program.mjs')
    t.strictSame(valuesOf(t, answers), {
      declared: 21,
      declaredAsync: 22,
      generator: 23,
      asyncGenerator: 24,
      arrow: 25,
      expression: 26,
      listed: 27,
      renamed: 28,
      wrapped: 29,
      alsoWrapped: 30,
      aliased: 31,
      later: 32,
      once: 33,
      chosen: 34,
      twinB: 36,
    })
    t.equal(answers.generator?.kind, 'generator')
    t.equal(answers.asyncGenerator?.kind, 'async-generator')
    t.equal(answers.declaredAsync?.kind, 'function')
    t.equal(answers.expression?.exportName, 'expression')
    t.equal(answers.renamed?.exportName, 'a string')
    t.equal(answers.wrapped?.exportName, undefined, 'a wrapper is left to the worker')
  }
})

t.test('locate() finds functions of imported modules, whatever their path', async (t) => {
  for (const options of [[], ['--import', 'tsx']]) {
    t.strictSame(valuesOf(t, await report(...options, 'esm-imported.mjs')), {
      query: 'query',
      increase: 21,
      arrow: 22,
      fallback: 23,
      commonIncrease: 21,
      commonLambda: 22,
      one: 21,
      objectMethod: 21,
      odd: 21,
    })
  }
})

t.test('locate() serves a CommonJS program that has not set its exports yet', async (t) => {
  const answers = await report('cjs-program.cjs')
  const never = 'ERR_GOAWAY_FUNCTION_NOT_EXPORTED'
  const values = { early: 21, late: 22, lateAsync: 23, never, common: 21 }
  t.strictSame(valuesOf(t, answers), values)
})

t.test('locate() serves TypeScript under tsx, as ES modules and as CommonJS', async (t) => {
  const refused = 'ERR_GOAWAY_FUNCTION_NOT_EXPORTED'
  const modules = await report('--import', 'tsx', 'ts-program.mts')
  const common = { increase: 21, arrow: 22, hidden: refused }
  t.strictSame(valuesOf(t, modules), { ...common, common: 21 })
  t.match(modules.hidden?.message, 'function hidden (ts-program.mts:15)')
  const commonJs = await report('--import', 'tsx', 'commonjs/program.ts')
  t.strictSame(valuesOf(t, commonJs), { ...common, named: 23, imported: 21 })
  t.match(commonJs.hidden?.message, /commonjs.program.ts:17\).*add `export` before function hidden/)
})

t.test('locate() serves TypeScript as Node strips it', async (t) => {
  if (Reflect.get(process.features, 'typescript') !== 'strip') return t.pass('this Node does not')
  const answers = await report('ts-program.mts')
  const hidden = 'ERR_GOAWAY_FUNCTION_NOT_EXPORTED'
  t.strictSame(valuesOf(t, answers), { increase: 21, arrow: 22, hidden, common: 21 })
  t.match(answers.hidden?.message, 'function hidden (ts-program.mts:15)')
})

t.test('locate() refuses what no thread could be told to run, and says what to do', async (t) => {
  const answers = await report('refused.mjs')
  const expected: Record<string, [string, RegExp]> = {
    local: ['NOT_EXPORTED', /function local \(refused.mjs:7\).*add `export` before function local/],
    localArrow: ['NOT_EXPORTED', /\(refused.mjs:10\).*add `export` before localArrow/],
    inner: ['NOT_EXPORTED', /\(refused.mjs:12\).*inside function outer.*top level.*as arguments/],
    lambda: ['NOT_EXPORTED', /inside function outer.*top level/],
    inInner: ['NOT_EXPORTED', /an anonymous function \(refused.mjs:13\).*inside another function/],
    topLambda: ['NOT_EXPORTED', /does not export it; move it to the top level/],
    method: ['NOT_EXPORTED', /function increase \(refused.mjs:19\).*member of a class/],
    getter: ['NOT_EXPORTED', /member of a class/],
    staticMethod: ['NOT_EXPORTED', /member of a class/],
    staticLambda: ['NOT_EXPORTED', /member of a class/],
    field: ['NOT_EXPORTED', /inside another function/],
    class: ['NOT_EXPORTED', /class Counter/],
    apiMethod: ['NOT_EXPORTED', /function increase \(refused.mjs:29\).*top level/],
    memoized: ['NOT_EXPORTED', /inside function wrapper.*init\(\{ modules \}\)/],
    inBlock: ['NOT_EXPORTED', /function block/],
    bound: ['NOT_EXPORTED', /function outer, bound by \.bind\(\)/],
    commonHidden: ['NOT_EXPORTED', /common.cjs:6\)/],
    commonMethod: ['NOT_EXPORTED', /function method \(common.cjs:7\)/],
    native: ['NOT_FOUND', /function max.*built into Node/],
    internal: ['NOT_FOUND', /function readFile.*built into Node/],
    promisified: ['NOT_FOUND', /built into Node/],
    proxy: ['NOT_FOUND', /a Proxy/],
    evaluated: ['NOT_FOUND', /made by eval.*put it into a file/],
    made: ['NOT_FOUND', /made by eval or new Function/],
    named: ['NOT_FOUND', /made by eval/],
    data: ['NOT_FOUND', /data:text\/javascript.*put it into a file/],
  }
  for (const [label, [code, message]] of Object.entries(expected)) {
    t.equal(answers[label]?.refused, `ERR_GOAWAY_FUNCTION_${code}`, label)
    t.match(answers[label]?.message, message)
  }
  for (const [label, shown] of [
    ['undefined', 'undefined'],
    ['number', '1'],
    ['text', "'increase'"],
  ]) {
    t.equal(answers[label ?? '']?.refused, 'TypeError')
    t.match(answers[label ?? '']?.message, shown)
  }
})

t.test('locate() refuses functions of --eval and standard input', async (t) => {
  const module = JSON.stringify(new URL('../../lib/client/locate.js', import.meta.url).href)
  const source = `const f = function () {}
    import(${module}).then(({ locate }) => locate(f)).catch((error) => console.log(error.code))`
  const exported = `import { locate } from ${module}; export function f() {}
    try { locate(f) } catch (error) { console.log(error.code) }`
  const code = 'ERR_GOAWAY_FUNCTION_NOT_FOUND\n'
  t.equal(await run(['--eval', source]), code)
  t.equal(await run(['--input-type=module', '--eval', exported]), code)
  t.equal(await run(['-'], source), code)
  t.equal(await run(['--input-type=module', '-'], exported), code)
})

t.test('locate() neither pauses, nor keeps the process alive, nor runs microtasks', async (t) => {
  for (const options of [[], ['--inspect=127.0.0.1:0'], ['--enable-source-maps']]) {
    t.equal(await run([...options, 'quiet.mjs']), 'increase microtask\n')
  }
})

t.test(
  'locate() gives the same address again, and finds what a symbolic link leads to',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'goaway-locate-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, 'real'))
    writeFileSync(join(folder, 'real', 'tasks.mjs'), 'export const increase = (v) => v + 1\n')
    symlinkSync(join(folder, 'real'), join(folder, 'link'))
    const { increase } = await import(join(folder, 'link', 'tasks.mjs'))
    const address = locate(increase)
    t.equal(locate(increase), address)
    t.match(address.module, /real\/tasks\.mjs$/)
    t.strictSame(structuredClone(address), address)
  },
)

t.test('locate() leaves out the line where the file is not what V8 runs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'goaway-locate-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'edited.mjs')
  writeFileSync(path, 'function hidden() {}\nexport const hold = [hidden]\n')
  const { hold } = await import(path)
  writeFileSync(path, '// Edited.\nfunction hidden() {}\nexport const hold = []\n')
  t.equal(locate(hold[0]).exportName, undefined, 'an export mentions it, so a thread decides')
  writeFileSync(join(folder, 'other.mjs'), 'const f = () => 1\nexport default () => [f]\n')
  const other = await import(join(folder, 'other.mjs'))
  const [hidden] = other.default()
  t.throws(() => locate(hidden), /other\.mjs:1\)/)
  writeFileSync(join(folder, 'other.mjs'), '// Edited.\nconst f = () => 1\n')
  t.throws(() => locate(hidden), /other\.mjs\)/)
})

t.test('registerModules() makes the inspector unnecessary', async (t) => {
  const module = new URL('twins.mjs', fixtures)
  await registerModules(['./twins.mjs'], new URL('base.mjs', fixtures).href)
  const twins = await import(module.href)
  const address = locate(twins.two)
  t.match(address, { module: module.href, name: 'add', exportName: 'two', line: -1 })
  await registerModules(['other.mjs'], fileURLToPath(fixtures))
  const other = await import(new URL('other.mjs', fixtures).href)
  t.equal(locate(other.default).exportName, 'default')
  await registerModules([new URL('common.cjs', fixtures).href])
  const common = await import(new URL('common.cjs', fixtures).href)
  t.equal(locate(common.default.lambda).exportName, 'lambda')
})

t.test('registerModules() rejects what cannot be loaded, or waits for itself', async (t) => {
  await t.rejects(registerModules(['./nowhere.mjs'], fixtures.href), {
    code: 'ERR_GOAWAY_MODULE_LOAD',
  })
  t.equal(await run(['waits-for-itself.mjs']), 'ERR_GOAWAY_CONFIG\n')
})
