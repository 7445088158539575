/**
 * The suites of handles and values once more, with all routines in other processes: the test's own
 * process is the spawner, objects and locks are served by a node, everything goes over TCP and TLS.
 * Those that the proof runs (`--all`) do not differ much from others by what they send.
 */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { cleanEnvironment, run } from '../run-node.ts'
import { allRemote, localCluster } from './local-cluster.ts'

const two = { ...allRemote, nodes: [{ threads: 2 }, { threads: 2 }] }
/** Some tests make routines share a thread, or wait for one: that takes a node that has but one. */
const single = { ...allRemote, nodes: [{ threads: 1, threadsMax: 1 }] }

const suites: Readonly<Record<string, object>> = {
  'handles/lock': two,
  'handles/lock-sync': single,
  'handles/strict-object': two,
  'handles/strict-object-sync': { ...two, placement: 'hash' },
  'handles/every-model': two,
  'handles/release-object': two,
  'handles/stream': single,
  'handles/routine': single,
  'value-kinds': two,
  'module-load': single,
}

/** Lines of TAP that tell of a failure, with what belongs to them. */
function failuresIn(output: string): string {
  const lines = output.split('\n')
  const at = lines.findIndex((line) => /^ *not ok/.test(line))
  return at < 0 ? output.slice(-2000) : lines.slice(at, at + 40).join('\n')
}

const ofProof: ReadonlySet<string> = new Set([
  'handles/release-object',
  'handles/strict-object',
  'handles/lock-sync',
])
t.jobs = 2
t.setTimeout(230_000)
for (const [suite, cluster] of Object.entries(suites)) {
  if (ofProof.has(suite) && !process.argv.includes('--all')) continue
  t.test(`${suite} holds on a cluster of processes`, async (t) => {
    const file = fileURLToPath(new URL(`../${suite}.test.js`, import.meta.url))
    // Its own limit would be 30 s, which some of them come near to on a slow machine.
    const limit = { TAP_TIMEOUT: '220' }
    const env = { ...cleanEnvironment(), ...localCluster(t, cluster).env, ...limit }
    const { code, output, errors } = await run(process.execPath, [file], { env })
    t.equal(code, 0, code === 0 ? suite : `${failuresIn(output)}\n${errors}`)
    t.match(output, /^# \{ total: \d\d/m, 'its tests were run')
  })
}
