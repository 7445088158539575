/** Links over TCP and TLS keep the contract of links. */
import t from 'tap'
import { testTransport } from './suite.ts'
import { tcpLink } from './tcp-stand.ts'

t.test('a link over TCP keeps the contract, seen from its dialer', (t) =>
  testTransport(t, async () => {
    const { dialed, listened, release } = await tcpLink()
    return { ends: [dialed, listened], release }
  }),
)

t.test('a link over TCP keeps the contract, seen from its listener', (t) =>
  testTransport(t, async () => {
    const { dialed, listened, release } = await tcpLink()
    return { ends: [listened, dialed], release }
  }),
)
