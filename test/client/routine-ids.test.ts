/** Ids of routines begin anew at the end of their range. */
import t from 'tap'
import { RoutineTable } from '../../lib/client/routine-table.ts'
import { routinesPerClient } from '../../lib/limits.ts'

const listener = { started() {}, value() {}, resolved() {}, rejected() {} }
const keeper = { retain() {}, release() {} }

t.test('Ids stay in the range of their thread, and none is given twice at a time', async (t) => {
  const base = 7 * routinesPerClient
  const table = new RoutineTable(keeper, base, routinesPerClient - 3)
  t.equal(table.add(listener), base + routinesPerClient - 2)
  t.equal(table.add(listener), base + routinesPerClient - 1, 'the last')
  t.equal(table.add(listener), base + 1, 'the first once more')
  const other = new RoutineTable(keeper, base)
  const first = other.add(listener)
  const again = new RoutineTable(keeper, base, routinesPerClient - 2)
  t.equal(first, base + 1)
  t.equal(again.add(listener), base + routinesPerClient - 1)
  const kept = again.add(listener)
  t.equal(kept, base + 1)
})
