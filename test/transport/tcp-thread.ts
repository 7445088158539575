/** Runs in a thread: listens, dials, sends both ways, closes, and ends by itself, and says when. */
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { workerData } from 'node:worker_threads'
import type { Link, LinkEnd } from '../../lib/transport/contract.ts'
import { dialOptions } from '../../lib/transport/credentials.ts'
import { call, host, secret } from './tcp-stand.ts'

const times = workerData as Float64Array
let warned = (): void => {}
const noticed = new Promise<void>((resolve) => {
  warned = resolve
})
const listener = await host({ warn: () => warned() })
const { end } = await call(listener.port)

interface Side {
  readonly link: Link
  readonly first: Promise<void>
  readonly ended: Promise<void>
}

function open(one: LinkEnd): Side {
  let heard = (): void => {}
  let over = (): void => {}
  const first = new Promise<void>((resolve) => {
    heard = resolve
  })
  const ended = new Promise<void>((resolve) => {
    over = resolve
  })
  return { link: one.open({ received: () => heard(), closed: () => over() }), first, ended }
}

const links = [end, listener.linked[0]?.end as LinkEnd].map(open)
for (const { link } of links) {
  link.send(['need', ['x'.repeat(100_000)]])
  link.flush()
}
await Promise.all(links.map(({ first }) => first))
links[0]?.link.close()
await Promise.all(links.map(({ ended }) => ended))
// One who knows the secret, stops within the greeting, and is gone: net-ipc would wait for him. He
// comes last, so that little is left to do in the time that it would take.
times[0] = performance.now()
const mute = connectTls({ ...dialOptions(secret, '127.0.0.1', ''), port: listener.port })
await once(mute, 'secureConnect')
mute.end('IP')
await noticed
await listener.close()
process.once('exit', () => {
  times[1] = performance.now()
})
