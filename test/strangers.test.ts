import t from 'tap'
import { withoutStrangers } from './strangers.ts'

const refused =
  '(node:26877) Warning: Refused a connection from 127.0.0.1:50660: the secrets differ; ' +
  'give both the same (GOAWAY_SECRET, secretFile) (ERR_SSL_BINDER_DOES_NOT_VERIFY)\n'
const hint = '(Use `node --trace-warnings ...` to show where the warning was created)\n'
const other = '(node:26877) Warning: something else\n'

t.test('Of a stranger alone nothing is left', async (t) => {
  t.equal(withoutStrangers(''), '')
  t.equal(withoutStrangers(refused + hint), '')
  t.equal(withoutStrangers(refused + hint + refused), '')
})

t.test('All else is told as it was', async (t) => {
  t.equal(withoutStrangers(other + hint), other + hint)
  t.equal(withoutStrangers(refused + hint + other), hint + other)
  t.equal(withoutStrangers(`${refused}${hint}Error: no\n`), 'Error: no\n')
  const elsewhere = refused.replace('the secrets differ', 'it was silent')
  t.equal(withoutStrangers(elsewhere + hint), elsewhere + hint)
})
