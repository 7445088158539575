import t from 'tap'
import { Output } from '../../lib/cluster/output.ts'

type Callback = (error: NodeJS.ErrnoException | null, written: number) => void

/** A terminal that takes so many bytes at a time, when it is told to. */
class Terminal {
  readonly text: Record<number, string> = { 1: '', 2: '' }
  readonly pending: (() => void)[] = []
  most = Infinity
  busy = 0

  readonly write = (descriptor: number, bytes: Uint8Array, at: number, callback: Callback) => {
    this.pending.push(() => {
      if (this.busy-- > 0) return callback(Object.assign(new Error(), { code: 'EAGAIN' }), 0)
      const part = bytes.subarray(at, at + this.most)
      this.text[descriptor] += Buffer.from(part).toString()
      callback(null, part.byteLength)
    })
  }

  async drain(until: Promise<void>): Promise<void> {
    let over = false
    void until.then(() => {
      over = true
    })
    while (!over) {
      this.pending.shift()?.()
      await new Promise(setImmediate)
    }
  }
}

const at = (name: string, client = 1) => ({ name, client })
const none = (): void => {}

t.test('Each line has the name of its node before it, also one that comes in parts', async (t) => {
  const terminal = new Terminal()
  const output = new Output(terminal.write)
  output.print(at('a'), 1, Buffer.from('one\ntw'), none)
  output.print(at('b'), 1, Buffer.from('other\n'), none)
  output.print(at('a', 2), 1, Buffer.from('third\n'), none)
  output.print(at('a'), 1, Buffer.from('o\nleft'), none)
  output.print(at('a'), 2, Buffer.from('error\n'), none)
  await terminal.drain(output.finish())
  t.equal(terminal.text[1], '[a] one\n[b] other\n[a] third\n[a] two\n[a] left\n')
  t.equal(terminal.text[2], '[a] error\n')
})

t.test('A terminal that takes little, or nothing for a while, gets everything', async (t) => {
  const terminal = new Terminal()
  terminal.most = 3
  terminal.busy = 2
  const output = new Output(terminal.write)
  let done = 0
  for (let line = 0; line < 20; line++) {
    output.print(at('a'), 1, Buffer.from(`${line}\n`), () => done++)
  }
  t.equal(done, 0, 'nothing counts as written before it is')
  await terminal.drain(output.finish())
  t.equal(done, 20)
  t.equal(terminal.text[1], Array.from({ length: 20 }, (_, line) => `[a] ${line}\n`).join(''))
})

t.test(
  'Lines that a lost node began are written, those of others wait for their end',
  async (t) => {
    const terminal = new Terminal()
    const output = new Output(terminal.write)
    output.print(at('a'), 1, Buffer.from('lost'), none)
    output.print(at('b'), 1, Buffer.from('go'), none)
    await terminal.drain(output.finish('a'))
    t.equal(terminal.text[1], '[a] lost\n')
    output.print(at('b'), 1, Buffer.from('es on\n'), none)
    await terminal.drain(output.finish())
    t.equal(terminal.text[1], '[a] lost\n[b] goes on\n')
  },
)

t.test('A line without end is written in parts', async (t) => {
  const terminal = new Terminal()
  const output = new Output(terminal.write)
  for (let part = 0; part < 10; part++) output.print(at('a'), 1, Buffer.alloc(10_000, 'x'), none)
  await terminal.drain(output.finish())
  t.equal(terminal.text[1]?.replaceAll(/[^x]/g, '').length, 100_000)
})
