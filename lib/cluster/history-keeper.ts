/**
 * The recording of a cluster, at its spawner: which parts there are, and fetching those that lie on
 * other machines. A node records on its own disk, before anything leaves it: what it had written to
 * a link when it was killed might never arrive.
 */
import { appendFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import type { Launch } from '../deploy/cluster-config.ts'
import { GoawayError } from '../errors.ts'
import { appendLine, isPartName, partFile, partNameOf } from '../history/history-file.ts'
import { machineRun } from '../history/machine-run.ts'
import type { HistoryTarget } from '../history/recorder.ts'
import type { Peer } from '../hub/peer.ts'
import type { HistoryClaim } from '../wire/history-messages.ts'
import type { Member } from '../wire/messages.ts'
import type { Conversation } from './conversation.ts'

/** What is to be known here of a node. */
export interface RecordingNode {
  readonly peer: Peer | undefined
  readonly conversation: Conversation
  /** @throws {GoawayError} when it has gone away */
  linked(): Peer
}

export class HistoryKeeper {
  /** What a node has to know to take part. */
  readonly claim: HistoryClaim
  readonly #target: HistoryTarget

  constructor(target: HistoryTarget, launch: Launch) {
    this.#target = target
    const { file, origin } = target
    const machine = machineRun()
    this.claim = { file: launch === 'local' ? file : null, origin: String(origin), machine }
  }

  /** The time of the recording. */
  now(): number {
    return Number(process.hrtime.bigint() - this.#target.origin)
  }

  /** A node has begun a part; from now on the history is not whole without it. */
  began(member: Member, path: string): void {
    const part = partNameOf(member)
    const { host, port } = member
    appendLine(this.#target.file, { part, where: `${host}:${port}, ${path}` })
  }

  /** Fetches what lies on other machines. Nodes that are gone keep what they have. */
  async collect(nodes: readonly RecordingNode[]): Promise<void> {
    if (this.claim.file !== null) return
    const here = nodes.filter(({ peer }) => peer !== undefined)
    await Promise.allSettled(here.map((node) => this.#fetchFrom(node)))
  }

  async #fetchFrom(node: RecordingNode): Promise<void> {
    const { conversation } = node
    const { link } = node.linked()
    link.send(['parts?'])
    link.flush()
    const [, parts] = await conversation.next('parts')
    for (const part of parts) {
      if (!isPartName(part)) {
        throw new GoawayError('ERR_GOAWAY_PROTOCOL', `Cannot fetch part ${part}: no such name`)
      }
      const file = partFile(this.#target.file, part)
      writeFileSync(file, '')
      for await (const bytes of pieces(node, conversation, part)) appendFileSync(file, bytes)
    }
    link.send(['fetched'])
    link.flush()
    await conversation.next('parts')
  }
}

/** One after the other, so that nothing piles up on the way. */
async function* pieces(
  node: RecordingNode,
  conversation: Conversation,
  part: string,
): AsyncIterableIterator<Uint8Array> {
  for (let offset = 0; ; ) {
    const { link } = node.linked()
    link.send(['fetch', part, offset])
    link.flush()
    const [, bytes] = await conversation.next('piece')
    if (bytes.byteLength === 0) return
    yield bytes
    offset += bytes.byteLength
  }
}
