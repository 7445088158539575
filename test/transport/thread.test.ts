import t from 'tap'
import { threadLink } from '../../lib/transport/thread.ts'
import { testTransport } from './suite.ts'

t.test('the thread transport keeps the contract of links', (t) =>
  testTransport(t, async () => ({ ends: threadLink() })),
)
