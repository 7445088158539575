/** A spawner that starts a node over ssh and is then killed. Arguments: the command, the folder. */
import { writeSync } from 'node:fs'
import process from 'node:process'
import { launchSsh } from '../../lib/deploy/launch-ssh.ts'
import { startOf } from './stand-in.ts'

const [command, folder] = process.argv.slice(2) as [string, string]
const node = { index: 1, name: 'far', host: '127.0.0.1', port: 0, labels: [], command }
const { credentials } = startOf(folder)
const { port } = await launchSsh(node, { credentials, startTimeoutMs: 30_000 })
writeSync(1, `${port}\n`)
setInterval(() => {}, 1_000)
