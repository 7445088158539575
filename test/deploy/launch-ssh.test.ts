/** Over a real sshd on loopback, where there is one. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { NodeConfig } from '../../lib/deploy/cluster-config.ts'
import { writeCredentials } from '../../lib/deploy/credentials-line.ts'
import { type LaunchSshOptions, launchSsh } from '../../lib/deploy/launch-ssh.ts'
import type { NodeStart } from '../../lib/deploy/node-start.ts'
import { cleanEnvironment, spawnBare } from '../run-node.ts'
import { findProgram, type SshServer, startSshServer } from './ssh-server.ts'
import { allGone, gone, startOf, visit } from './stand-in.ts'

const sshd = findProgram('sshd')
const missing = [sshd, findProgram('ssh'), findProgram('ssh-keygen')].includes(undefined)
const skip = missing && 'no sshd: install openssh-server and openssh-client'

// Nodes do not keep the program alive that has started them.
const alive = setInterval(() => {}, 1_000)
t.teardown(() => clearInterval(alive))

const home = t.testdir({ code: {}, ssh: {} })
const goaway = fileURLToPath(new URL('stand-in-goaway.js', import.meta.url))
const command = `GOAWAY_HOME='${home}' '${process.execPath}' '${goaway}'`
const { credentials } = startOf(home)

function node(more: Partial<NodeConfig> = {}): NodeConfig {
  return { index: 1, name: 'far', host: '127.0.0.1', port: 0, labels: [], command, ...more }
}

function launch(more: Partial<NodeConfig> = {}, options: Partial<LaunchSshOptions> = {}) {
  // The name of a host may be asked for a while before there is none.
  return launchSsh(node(more), { credentials, startTimeoutMs: 100_000, ...options })
}

async function pidAt(port: number): Promise<number> {
  const pid = Number(readFileSync(join(home, 'code', 'pid'), 'utf8'))
  await visit(port)
  return pid
}

const server: SshServer | undefined = missing
  ? undefined
  : await startSshServer(join(home, 'ssh'), sshd as string)
process.env.GOAWAY_SSH = server?.ssh
t.teardown(() => server?.close())

t.test('launchSsh() starts a node, hands it the secret alone, and ends it', { skip }, async (t) => {
  const labels = ["it's $HOME", '-x']
  const launched = await launch({ name: 'far away', labels, threads: 3 })
  const { seen } = await visit(launched.port)
  const { start } = seen as { start: NodeStart }
  t.match(start, { name: 'far away', labels, threads: 3 })
  t.same(Object.values((start.credentials as unknown as { secret: object }).secret), [
    ...(credentials as { secret: Uint8Array }).secret,
  ])
  const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n')
  t.ok(processes.some((line) => line.includes(`'--name=far away'`)))
  t.notOk(processes.some((line) => line.includes(writeCredentials(credentials))))
  t.ok(processes.includes('goaway node far away (supervisor)'))
  const pid = await pidAt(launched.port)
  await launched.stop()
  t.equal(await launched.exited, 'its connection over ssh ended with exit code 0')
  t.ok(await gone(pid))
})

t.test('A node ends with the spawner that is killed', { skip }, async (t) => {
  const program = fileURLToPath(new URL('launch-ssh-program.js', import.meta.url))
  const child = spawnBare(process.execPath, [program, command, home], {
    env: { ...cleanEnvironment(), GOAWAY_SSH: server?.ssh },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [port] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  const pid = await pidAt(Number(port))
  child.kill('SIGKILL')
  t.ok(await gone(pid))
})

t.test('launchSsh({ detach }) leaves a node there, with a log', { skip }, async (t) => {
  const launched = await launch({ name: 'stays' }, { detach: true })
  t.equal(await launched.exited, 'its connection over ssh ended with exit code 0')
  const { order, seen } = await visit(launched.port)
  t.match(seen.start as NodeStart, { name: 'stays' })
  const pid = await pidAt(launched.port)
  await order('stop')
  t.ok(await gone(pid))
  t.match(
    readFileSync(join(home, 'log', 'stays.log'), 'utf8'),
    /Z goaway node stays listens on 127\.0\.0\.1:\d+\n/,
  )
})

t.test('launchSsh() says what to look at', { skip }, async (t) => {
  const environment = process.env
  const rejects = async (
    ssh: string | undefined,
    more: Partial<NodeConfig>,
    message: RegExp,
  ): Promise<void> => {
    environment.GOAWAY_SSH = ssh
    await t.rejects(launch(more), { code: 'ERR_GOAWAY_LAUNCH', message }, `${message}`)
  }
  await rejects(server?.ssh, { command: 'no-such-goaway' }, /goaway is not found there.*code 127/)
  await rejects(server?.ssh, { labels: ['fails'] }, /told to fail/)
  await rejects(server?.sshWithoutKey, {}, /run "ssh-copy-id 127\.0\.0\.1".*\n.*Permission denied/)
  await rejects(server?.sshWithoutHost, { user: 'me' }, /run "ssh me@127\.0\.0\.1" once/)
  await rejects('no-such-ssh', {}, /cannot run no-such-ssh: .*ENOENT; install OpenSSH/)
  await rejects(server?.ssh, { host: 'no-such-host.invalid' }, /there is no host of that name/)
  environment.GOAWAY_SSH = server?.ssh
})

t.test('launchSsh() gives up on a node that does not listen', { skip }, async (t) => {
  await t.rejects(launch({ labels: ['mute'] }, { startTimeoutMs: 1_500 }), {
    code: 'ERR_GOAWAY_LAUNCH',
    message: /it did not listen within 1500 ms/,
  })
})

t.test('Nothing stays there of what was given up or left', { skip }, async (t) => {
  t.ok(await allGone(home))
})
