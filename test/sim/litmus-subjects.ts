/** The stores as litmus tests see them: how each is written, read, and waited for. */
import type { ReplicaMachine, ReplicaMachines } from '../../lib/hub/replicas.ts'
import type { FieldState, Operation } from '../../lib/wire/messages.ts'
import type { ReplicaOperation, ReplicatedStore } from '../../lib/wire/replica-messages.ts'
import { paperLinFastRead } from '../protocol/paper-lin-fast-read.ts'
import { expectations } from './litmus-shapes.ts'
import type { StageClient } from './stage.ts'

type Place = readonly [object: string, field: string]

export interface LitmusSubject {
  readonly name: string
  /** The outcomes of the shapes, in their order. */
  readonly expected: ReadonlyMap<string, 'A' | 'F'>
  readonly machines?: ReplicaMachines
  /** `synced`: a sync follows. */
  write(client: StageClient, place: Place, value: number, synced: boolean): Promise<void>
  read(client: StageClient, place: Place): Promise<number>
  sync(client: StageClient): Promise<void>
}

type Wrap = (operation: ReplicaOperation) => Operation

const of =
  (store: ReplicatedStore): Wrap =>
  (operation) => [store, operation]

async function readField(client: StageClient, wrap: Wrap, [object, field]: Place): Promise<number> {
  const [, value] = (await client.ask(wrap(['get', object, field, 0]))) as FieldState
  return (value ?? 0) as number
}

/** One whose writes are single operations. */
function plain(
  name: string,
  letters: string,
  wrap: Wrap,
  rest: Partial<LitmusSubject> = {},
): LitmusSubject {
  return {
    name,
    expected: expectations(letters),
    async write(client, [object, field], value) {
      await client.ask(wrap(['set', object, field, value, null]))
    },
    read: (client, place) => readField(client, wrap, place),
    sync: async () => {},
    ...rest,
  }
}

const uor = of('update-on-release')

async function section(
  client: StageClient,
  object: string,
  writes: readonly (readonly [string, number])[],
  ackAll: boolean,
  inside: () => Promise<number>,
): Promise<number> {
  const token = await client.ask(uor(['acquire', object]))
  const value = await inside()
  await client.ask(uor(['release', object, token, writes, ackAll, null]))
  return value
}

const released: LitmusSubject = {
  ...plain('UpdateOnRelease', 'FFFFFFFFAF', uor),
  async write(client, [object, field], value, synced) {
    await section(client, object, [[field, value]], synced, async () => 0)
  },
}

const syncWeak = (store: ReplicatedStore): Pick<LitmusSubject, 'sync'> => ({
  async sync(client) {
    await client.ask([store, ['sync']])
  },
})

/** It is shown beside the others because it is not what it was said to be. */
const paper = plain('LinFastRead of 2016', 'FFFFAAAFAF', of('lin-fast-read'), {
  machines: { 'lin-fast-read': paperLinFastRead as ReplicaMachine },
})

export const litmusSubjects: readonly LitmusSubject[] = [
  plain('Strict', 'FFFFFFFFFF', (operation) => operation as Operation),
  paper,
  plain('LinFastRead', 'FFFFFFFFFF', of('lin-fast-read')),
  plain('Weak', 'FFAFAAAFAF', of('weak'), syncWeak('weak')),
  plain('Weak causal', 'FFAFFFAFAF', of('weak-causal'), syncWeak('weak-causal')),
  released,
  {
    ...released,
    name: 'UpdateOnRelease, locked',
    expected: expectations('FFFFFFFFFF'),
    read: (client, place) =>
      section(client, place[0], [], false, () => readField(client, uor, place)),
  },
]
