/**
 * Stands in for the node process: takes the same message, says the same words, and does what it is
 * told in lines over TCP, so that a test decides when it ends and how.
 *
 * Its labels: `fails` (says that it cannot start), `exits` (without a word), `mute`
 * (never listens), `deaf` (takes no SIGTERM).
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import type { NodeReport, NodeStart } from '../../lib/deploy/node-start.ts'

function say(report: NodeReport, then?: () => void): void {
  process.send?.(report, () => then?.())
}

function obey(line: string): void {
  const [order, ...rest] = line.split(' ')
  if (order === 'exit') process.exit(Number(rest[0]))
  if (order === 'kill') process.kill(process.pid, 'SIGKILL')
  if (order === 'claim') say({ type: 'claimed', title: rest.join(' '), since: Date.now() })
  if (order === 'stop') say({ type: 'stop' }, () => process.exit(0))
}

function live(start: NodeStart): void {
  const failed = (code: string, message: string): void =>
    say({ type: 'failed', code, message }, () => process.exit(1))
  if (start.labels.includes('deaf')) process.on('SIGTERM', () => {})
  if (start.labels.includes('fails')) return failed('ERR_TEST', 'told to fail')
  if (start.labels.includes('exits')) process.exit(4)
  if (start.labels.includes('mute')) return
  const server = createServer((socket) => {
    // So that a test sees what a node process can see.
    socket.write(`${JSON.stringify({ start, env: process.env, argv: process.argv })}\n`)
    socket.on('data', (data) => obey(data.toString().trim()))
    socket.on('error', () => {})
  })
  server.on('error', (error: NodeJS.ErrnoException) => failed(error.code ?? '', error.message))
  server.listen(start.listen.port, start.listen.host, () => {
    const { port } = server.address() as { port: number }
    writeFileSync(join(start.storeDirectory, 'pid'), `${process.pid}`)
    say({ type: 'listening', port, incarnation: `life-${process.pid}` })
  })
}

process.once('message', (start) => live(start as NodeStart))
process.once('disconnect', () => process.exit(0))
