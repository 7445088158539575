/**
 * Fields of `Weak` objects: what they show is a function of the set of writes that have come, in
 * whatever order they came (docs/protocols/weak.md, "What a field shows").
 */
import type { EncodedValue, FieldState } from '../wire/messages.ts'
import type { Ground, Share, StateRow, WeakWrite } from '../wire/weak-messages.ts'
import type { CellRow } from './replica.ts'
import type { WeakCell, WeakObject, WeakOutput, WeakState } from './weak-state.ts'

/** No write at all: the ground of a field that nobody has set. */
export const bareGround: Ground = [0, 0, false, undefined]

export function cellAt(state: WeakState, object: string, field: string): WeakCell | undefined {
  return state.objects.get(object)?.fields.get(field)
}

export function groundOf(cell: WeakCell | undefined): Ground {
  if (cell === undefined) return bareGround
  return [cell.lamport, cell.place, cell.isPresent, cell.value]
}

export function fieldStateOf(cell: WeakCell | undefined): FieldState {
  if (cell === undefined || cell.version === 0) return [0, undefined]
  return [cell.version, cell.shown]
}

/** What the object shows; a node that joined has to be sent it first. */
export function cells(state: WeakState, object: string): readonly CellRow[] | null {
  if (!state.isReady || state.isOver) return null
  const rows: CellRow[] = []
  for (const [field, cell] of state.objects.get(object)?.fields ?? []) {
    if (cell.version > 0) rows.push({ field, state: fieldStateOf(cell), isValid: true })
  }
  return rows
}

export function openObject(state: WeakState, name: string): WeakObject {
  let object = state.objects.get(name)
  if (object === undefined) {
    object = { fields: new Map(), waits: new Map(), waitCount: 0 }
    state.objects.set(name, object)
  }
  return object
}

/** Takes a write of this or another node into the fields. */
export function applyWrite(
  state: WeakState,
  from: number,
  lamport: number,
  write: WeakWrite,
  outputs: WeakOutput[],
): void {
  switch (write[0]) {
    case 'set':
      return applyGround(state, write[1], write[2], [lamport, from, true, write[3]], outputs)
    case 'delete':
      return applyGround(state, write[1], write[2], [lamport, from, false, undefined], outputs)
    case 'init': {
      const time = state.mutant === 'init like any write' ? lamport : 0
      for (const [field, value] of write[2]) {
        applyGround(state, write[1], field, [time, from, true, value], outputs)
      }
      return
    }
    case 'add':
      return applyAdd(state, from, write, outputs)
  }
}

function applyGround(
  state: WeakState,
  object: string,
  field: string,
  ground: Ground,
  outputs: WeakOutput[],
): void {
  const cell = openCell(state, object, field)
  if (mergeGround(state, cell, ground)) changed(state, object, field, cell, outputs)
}

function applyAdd(
  state: WeakState,
  from: number,
  write: Extract<WeakWrite, readonly ['add', ...unknown[]]>,
  outputs: WeakOutput[],
): void {
  const [, object, field, ground, count, sum] = write
  const cell = openCell(state, object, field)
  const isNew = mergeGround(state, cell, ground)
  const isAdded = isSameGeneration(cell, ground) && mergeShare(cell, [from, count, sum])
  if (isNew || isAdded) changed(state, object, field, cell, outputs)
}

/** A field as another node has it. Nobody reads or waits here yet. */
export function installRow(state: WeakState, row: StateRow, outputs: WeakOutput[]): void {
  const [object, field, ground, shares] = row
  const cell = openCell(state, object, field)
  mergeGround(state, cell, ground)
  for (const share of shares) mergeShare(cell, share)
  changed(state, object, field, cell, outputs)
}

export function rowOf(object: string, field: string, cell: WeakCell): StateRow {
  const shares = sortedShares(cell).map(([place, [count, sum]]) => [place, count, sum] as const)
  return [object, field, groundOf(cell), shares]
}

function openCell(state: WeakState, objectName: string, field: string): WeakCell {
  const { fields } = openObject(state, objectName)
  let cell = fields.get(field)
  if (cell === undefined) {
    const [lamport, place, isPresent, value] = bareGround
    cell = { lamport, place, isPresent, value, shares: new Map(), version: 0, shown: undefined }
    fields.set(field, cell)
  }
  return cell
}

/** Whether the ground took the place of the one that was there. */
function mergeGround(state: WeakState, cell: WeakCell, ground: Ground): boolean {
  const isLater =
    state.mutant === 'no stamp comparison' ? !isSame(cell, ground) : wins(ground, cell)
  if (!isLater) return false
  // What was added to an earlier generation goes with it.
  if (!isSameGeneration(cell, ground)) cell.shares.clear()
  ;[cell.lamport, cell.place, cell.isPresent, cell.value] = ground
  return true
}

function wins(ground: Ground, cell: WeakCell): boolean {
  const [lamport, place, isPresent] = ground
  if (lamport !== cell.lamport) return lamport > cell.lamport
  if (lamport > 0) return place > cell.place
  // Of all `init` the lowest place counts, so that the same one does everywhere.
  return isPresent && (!cell.isPresent || place < cell.place)
}

function isSame(cell: WeakCell, [lamport, place, isPresent]: Ground): boolean {
  return lamport === cell.lamport && place === cell.place && isPresent === cell.isPresent
}

function isSameGeneration(cell: WeakCell, [lamport, place]: Ground): boolean {
  return lamport === cell.lamport && (lamport === 0 || place === cell.place)
}

function mergeShare(cell: WeakCell, [place, count, sum]: Share): boolean {
  const known = cell.shares.get(place)
  if (known !== undefined && known[0] >= count) return false
  cell.shares.set(place, [count, sum])
  return true
}

/** Sums of doubles depend on their order, which is to be the same everywhere. */
function sortedShares(cell: WeakCell): [number, readonly [count: number, sum: number]][] {
  return [...cell.shares].sort(([one], [other]) => one - other)
}

function changed(
  state: WeakState,
  objectName: string,
  field: string,
  cell: WeakCell,
  outputs: WeakOutput[],
): void {
  const isAbsent = !cell.isPresent && cell.shares.size === 0
  cell.shown = isAbsent ? undefined : shownOf(cell)
  if (isAbsent && cell.version === 0) return
  state.version += 1
  cell.version = isAbsent ? 0 : state.version
  const object = openObject(state, objectName)
  const now = fieldStateOf(cell)
  outputs.push({ type: 'cell', object: objectName, field, state: now, isValid: true })
  if (object.waitCount > 0) wake(state, object, field, now, outputs)
}

function shownOf(cell: WeakCell): EncodedValue | undefined {
  if (cell.shares.size === 0) return cell.value
  let sum: EncodedValue | undefined = cell.isPresent ? cell.value : 0
  // A node may add to a field before it hears that another initialised it with a text.
  if (typeof sum !== 'number') return sum
  for (const [, [, added]] of sortedShares(cell)) sum += added
  return sum
}

/** Answers whoever waits for the field, in the order of arrival. */
function wake(
  state: WeakState,
  object: WeakObject,
  field: string,
  now: FieldState,
  outputs: WeakOutput[],
): void {
  const waits = object.waits.get(field)
  if (waits === undefined) return
  object.waits.delete(field)
  object.waitCount -= waits.length
  for (const { client, call } of waits) {
    dropWaiting(state, client, call)
    outputs.push({ type: 'answer', client, call, answer: now })
  }
}

export function dropWaiting(state: WeakState, client: number, call: number): void {
  const calls = state.waiting.get(client)
  calls?.delete(call)
  if (calls?.size === 0) state.waiting.delete(client)
}
