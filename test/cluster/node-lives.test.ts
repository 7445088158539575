/** Nodes that supervisors keep: one life after the other, each for one program. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { jsonLines, type Program } from '../run-program.ts'
import { checkAfterwards, countingPlan, slackMs, times } from './counting.ts'
import { keep, said, serves } from './kept.ts'
import { kill } from './stage.ts'

const faults = { seed: 6, increments: 160, each: 2, victim: 2 }

// They wait most of the time.
t.jobs = 2

for (const victim of [2, 1]) {
  const role = victim === 1 ? 'A master' : 'A node'
  t.test(`${role} that dies comes back as another life of it`, async (t) => {
    const { stage, cluster } = await keep(t, 3)
    const plan = countingPlan({ ...faults, victim }, cluster as never)
    const program = stage.program('counting', { ...plan, until: 'join' })
    const { nodes } = await program.line('nodes')
    const name = `node-${victim}`
    await program.line('now')
    const killedAt = Date.now()
    kill(nodes.find((node: { name: string }) => node.name === name).pid, 'SIGKILL')
    const left = await program.line(`leave ${name}`)
    t.ok(left.at - killedAt < times.nodeTimeoutMs + slackMs, 'lost within nodeTimeoutMs')
    const joined = await program.line(`join ${name}`)
    t.comment(`lost after ${left.at - killedAt} ms, back after ${joined.at - killedAt} ms`)
    const { code, stdout, timedOut } = await program.ended
    t.equal(timedOut, false, 'nothing hangs')
    t.equal(code, 0)
    const lines = said(stdout)
    t.match(lines.get('sum at the victim'), { value: 5 }, 'it runs routines again')
    const members = lines.get('members')?.names as string[] | undefined
    t.strictSame(members?.toSorted(), ['node-1', 'node-2', 'node-3', 'spawner'])
    if (victim === 2) checkAfterwards(t, lines)
    else t.match(lines.get('get of never named before'), { code: 'ERR_GOAWAY_MASTER_LOST' })
    t.strictSame(await stage.end(), [], 'no process is left')
  })
}

t.test('A node serves one program at a time, and says which', async (t) => {
  const kept = await keep(t, 1)
  const { stage, cluster } = kept
  const first: Program = stage.program('staying', { cluster, stays: true })
  await first.line('answer')
  const second = await stage.program('staying', { cluster, stays: false }).ended
  t.match(said(second.stdout).get('init'), {
    code: 'ERR_GOAWAY_NODE_BUSY',
    message: /serves another application: staying\.js of \S+@\S+, since \d{4}-\d\d-\d\dT[\d:.]+Z;/,
  })
  kill(first.pid, 'SIGUSR2')
  t.equal((await first.ended).code, 0)
  await serves(t, kept)
  t.strictSame(await stage.end(), [], 'no process is left')
})

t.test('A program right after another one finds the node, however that one ended', async (t) => {
  const kept = await keep(t, 1)
  const first = kept.stage.program('staying', { cluster: kept.cluster, stays: true })
  await first.line('answer')
  kill(first.pid, 'SIGKILL')
  for (let run = 0; run < 3; run++) await serves(t, kept)
  t.strictSame(await kept.stage.end(), [], 'no process is left')
})

t.test('Each run of a program brings the code that it has then', async (t) => {
  const { stage, cluster } = await keep(t, 1)
  // Beside this file, where the library is found by its name.
  const folder = fileURLToPath(new URL(`./changing-${process.pid}`, import.meta.url))
  mkdirSync(folder)
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const version of [1, 2]) {
    writeFileSync(`${folder}/part.mjs`, `export const version = ${version}\n`)
    writeFileSync(`${folder}/program.mjs`, changingProgram)
    const args = [JSON.stringify(cluster)]
    const { stdout, code } = await stage.start(`${folder}/program.mjs`, args).ended
    t.equal(code, 0)
    t.strictSame(jsonLines(stdout), [{ node: 'node-1', version, runs: 1 }])
  }
  t.strictSame(await stage.end(), [], 'no process is left')
})

const changingProgram = `
import process from 'node:process'
import { context, goaway, init, isSpawner, shutdown } from 'goaway'
import { version } from './part.mjs'
let runs = 0
export function tell() {
  return { node: context().node, version, runs: ++runs }
}
if (isSpawner) {
  await init(JSON.parse(process.argv[2]))
  console.log(JSON.stringify(await goaway.with({ on: 'node-1' })(tell)))
  await shutdown()
}
`
