/** What is refused says why, with the value received and the way out. */
import t from 'tap'
import { jsonLines, runProgram } from './run-program.ts'

// biome-ignore lint/suspicious/noExplicitAny: lines are compared by what is in them
async function told(mode: string): Promise<{ failed: string; lines: Map<string, any> }> {
  const { code, stdout, stderr, timedOut } = await runProgram('misuse', mode)
  const lines = new Map(jsonLines(stdout).map((line) => [line.what, line]))
  const failed = timedOut || code !== 0 ? `code ${code}` : ''
  return { failed: failed + stderr, lines }
}

t.jobs = 2
t.test('What is used after shutdown() says so, and works again after init()', async (t) => {
  const { failed, lines } = await told('after shutdown')
  t.equal(failed, '')
  const uses = [
    'goaway',
    'generator',
    'get',
    'set',
    'update',
    'waitFor',
    'watch',
    'acquire',
    'tryAcquire',
  ]
  for (const what of [
    ...uses,
    'blocking get',
    'blocking set',
    'blocking waitFor',
    'blocking acquire',
  ]) {
    t.match(lines.get(what), {
      code: 'ERR_GOAWAY_SHUTDOWN',
      message: /^Cannot .*: shutdown\(\) was called; call init\(\) to start anew$/,
      thrown: what.startsWith('blocking'),
    })
  }
  t.equal(lines.get('held.lost').aborted, true, 'who held a lock is told')
  for (const what of ['release', 'shutdown again', 'get after init', 'blocking get after init']) {
    t.notOk('code' in lines.get(what), what)
    t.equal(lines.get(what).value, undefined, `${what}: objects begin empty`)
  }
  t.equal(lines.get('goaway after init').value, 1)
})

t.test('Options that do not hold are named with their value', async (t) => {
  const { failed, lines } = await told('options')
  t.equal(failed, '')
  const config: [string, RegExp][] = [
    ['init {"threads":0}', /^Option threads of init\(\) has to be 1 to 512: 0$/],
    ['init {"threads":1.5}', /threads of init.*: 1\.5$/],
    ['init {"threads":"2"}', /threads of init.*: '2'$/],
    ['init {"threadsMax":1000000}', /threadsMax of init.*: 1000000$/],
    ['init {"threads":4,"threadsMax":3}', /threadsMax .* threads \(4\) or more: 3$/],
    ['init {"modules":"one.js"}', /modules .* list of paths or URLs: 'one\.js'$/],
    ['init {"executor":5}', /executor .*: 5$/],
    ['init {"resourceLimits":64}', /resourceLimits .* object of megabytes.*: 64$/],
    ['init {"resourceLimits":{"maxOldGenerationSizeMb":"much"}}', /megabytes.*'much' \}$/],
    ['init {"resourceLimits":{"maxOldSpace":64}}', /maxOldGenerationSizeMb.*maxOldSpace: 64 \}$/],
    ['init {"thread":2}', /^Unknown option of init\(\): thread; there are threads, /],
    ['init "nowhere.yaml"', /^Cannot read cluster file nowhere\.yaml: there is no such file: \//],
    ['init null', /takes an object, or the path of a cluster file: null$/],
    ['init 7', /takes an object, or the path of a cluster file: 7$/],
    ['init twice', /first, and once: .*shutdown\(\) ends it$/],
  ]
  for (const [what, message] of config) {
    t.match(lines.get(what), { code: 'ERR_GOAWAY_CONFIG', message, thrown: false }, what)
  }
  t.match(lines.get('init {"modules":["./nowhere.js"]}'), { code: 'ERR_GOAWAY_MODULE_LOAD' })
  const plain: [string, string, RegExp][] = [
    ['shutdown graceMs', 'RangeError', /graceMs .*: -1$/],
    ['with {"timeoutMs":0}', 'TypeError', /^Option timeoutMs has to be 1 to \d+ milliseconds: 0$/],
    ['with {"timeoutMs":"soon"}', 'TypeError', /timeoutMs .*: 'soon'$/],
    ['with {"graceMs":-1}', 'TypeError', /graceMs .*: -1$/],
    ['with {"queueTimeoutMs":null}', 'TypeError', /queueTimeoutMs .*: NaN$/],
    ['with {"priority":0.5}', 'TypeError', /priority .*: 0\.5$/],
    ['with {"signal":5}', 'TypeError', /signal .*: 5$/],
    ['with {"isolate":1}', 'TypeError', /isolate .*: 1$/],
    ['with {"transfer":{}}', 'TypeError', /transfer .*: \{\}$/],
    ['with {"retries":3}', 'TypeError', /retries needs idempotent: true.*: 3$/],
    ['with {"retries":-1,"idempotent":true}', 'TypeError', /retries .*: -1$/],
    ['with {"name":7}', 'TypeError', /name .*: 7$/],
    ['with {"timeout":5}', 'TypeError', /^Unknown option of goaway\.with\(\): timeout; there are /],
    ['not a function', 'TypeError', /fn must be an exported function: 'quick'$/],
    ['acquire timeoutMs', 'RangeError', /timeoutMs .*: -1$/],
    ['waitFor signal', 'TypeError', /signal has to be an AbortSignal: 5$/],
    ['add', 'TypeError', /add\(\) takes a number/],
    ['update', 'TypeError', /update\(\) takes a function/],
    ['name', 'RangeError', /1 to 1024 characters: 0$/],
    ['lock name', 'TypeError', /has to be a string/],
    ['initial', 'TypeError', /initial values are no object: 5$/],
  ]
  for (const [what, className, message] of plain)
    t.match(lines.get(what), { className, message }, what)
})

t.test('A field with the name of a method is reached by get() and set()', async (t) => {
  const { failed, lines } = await told('fields')
  t.equal(failed, '')
  t.equal(lines.get('get keys').value, 'a field')
  t.equal(lines.get('blocking get keys').value, 'a field')
  t.equal(lines.get('property keys').value, 'function')
  t.equal(lines.get('awaited handle').value, 'object', 'a handle is no thenable')
  for (const what of ['assign keys', 'assign then', 'delete keys']) {
    t.match(lines.get(what), { code: 'ERR_GOAWAY_FIELD_NAME', message: /use get\('\w+'\) and set/ })
  }
})
