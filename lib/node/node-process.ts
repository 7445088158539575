/**
 * The main thread of a node process: takes its orders from the process that has started it, starts
 * the hub's thread, and passes on what that reports. It runs no code of an application. When its
 * parent is gone, so is it.
 */
import process from 'node:process'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { NodeReport, NodeStart } from '../deploy/node-start.ts'
import { createHubWords } from '../wire/shared-words.ts'
import type { NodeHubStart, NodeLeft } from './node-hub-start.ts'

/** Time that the hub has to take its leave of the others. */
const leaveMs = 500

function main(start: NodeStart): void {
  const { port1, port2 } = new MessageChannel()
  const env = { ...process.env } as Record<string, string>
  const workerData: NodeHubStart = {
    start,
    port: port2,
    hubWords: createHubWords().buffer as SharedArrayBuffer,
    env,
    execArgv: [],
    argv: [],
    resourceLimits: undefined,
  }
  const worker = new Worker(new URL('./node-entry.js', import.meta.url), {
    name: 'goaway hub',
    env: { ...env, NODE_OPTIONS: '' },
    workerData,
    transferList: [port2],
  })
  port1.on('message', (report: NodeReport | NodeLeft) => {
    if (report.type === 'left') process.exit(report.code)
    if (process.connected) process.send?.(report)
  })
  const leave = (): void => {
    port1.postMessage('leave')
    setTimeout(() => process.exit(0), leaveMs)
  }
  process.on('disconnect', leave)
  process.on('SIGTERM', leave)
  // The terminal's Ctrl-C is for the program that this node serves.
  process.on('SIGINT', () => {})
  worker.on('error', (error) => {
    process.stderr.write(`goaway node: the hub died: ${error.stack ?? error}\n`)
    process.exit(1)
  })
  worker.on('exit', (code) => process.exit(code))
}

process.title = 'goaway node'
process.once('message', (message) => main(message as NodeStart))
