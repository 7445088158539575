/** The bare limit of a blocking call: a thread, a port, a word; no library. */
import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads'

interface Start {
  readonly role: 'asks' | 'answers'
  readonly port: MessagePort
  readonly words: Int32Array
}

function answers({ port, words }: Start): void {
  port.on('message', (message: unknown) => {
    port.postMessage(message)
    Atomics.add(words, 0, 1)
    Atomics.notify(words, 0)
  })
}

/** Spins as the library does: that is the faster way of the two. */
function ask({ port, words }: Start, spins: number): void {
  const before = Atomics.load(words, 0)
  port.postMessage(['get', 'x'])
  for (let spin = 0; spin < spins && Atomics.load(words, 0) === before; spin++);
  if (Atomics.load(words, 0) === before) Atomics.wait(words, 0, before)
  receiveMessageOnPort(port)
}

if (!isMainThread && (workerData as Start | null)?.role === 'answers') answers(workerData as Start)
if (!isMainThread && (workerData as Start | null)?.role === 'asks') {
  const start = workerData as Start & { orders: MessagePort }
  start.orders.on('message', ({ count, spins }: { count: number; spins: number }) => {
    const begun = performance.now()
    for (let call = 0; call < count; call++) ask(start, spins)
    start.orders.postMessage(performance.now() - begun)
  })
}

/** Two threads; `run` resolves to the milliseconds that so many calls took in the asking one. */
export function bareBlocking(): {
  run(count: number, spins: number): Promise<number>
  end(): Promise<void>
} {
  const words = new Int32Array(new SharedArrayBuffer(4))
  const { port1, port2 } = new MessageChannel()
  const orders = new MessageChannel()
  const file = new URL(import.meta.url)
  const server = new Worker(file, {
    workerData: { role: 'answers', port: port1, words },
    transferList: [port1],
  })
  const client = new Worker(file, {
    workerData: { role: 'asks', port: port2, words, orders: orders.port2 },
    transferList: [port2, orders.port2],
  })
  return {
    run: (count, spins) =>
      new Promise((resolve) => {
        orders.port1.once('message', resolve)
        orders.port1.postMessage({ count, spins })
      }),
    async end() {
      orders.port1.close()
      await Promise.all([server.terminate(), client.terminate()])
    },
  }
}
