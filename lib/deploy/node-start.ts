/**
 * What a node process and the one that has started it say to each other, over the IPC channel
 * between them (`serialization: 'advanced'`, so that bytes stay bytes). The node process takes one
 * message and then only the end of the channel, on which it exits: nobody outlives its parent.
 * Secrets go this way alone, never in arguments or in the environment.
 */
import { fileURLToPath } from 'node:url'
import type { Credentials } from '../transport/credentials.ts'

/** The one message to a node process, before it does anything. */
export interface NodeStart {
  /** Port 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number }
  readonly credentials: Credentials
  readonly name?: string
  /** Goes before what an application asks for. */
  readonly threads?: number
  readonly threadsMax?: number
  readonly labels: readonly string[]
  /** Where the applications' code is kept, by its hash. */
  readonly storeDirectory: string
}

/** What a node process says. It exits with code 0 when its application is over. */
export type NodeReport =
  | { readonly type: 'listening'; readonly port: number; readonly incarnation: string }
  /** An application has begun; `since` in milliseconds since 1970. */
  | { readonly type: 'claimed'; readonly title: string; readonly since: number }
  /** Somebody who knows the secret wants the node to end for good; it exits. */
  | { readonly type: 'stop' }
  /** It exits. `message` says what to do. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string }

/** The program that is forked. */
export const nodeProcessPath = fileURLToPath(new URL('../node/node-process.js', import.meta.url))

export function isNodeReport(message: unknown): message is NodeReport {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false
  return ['listening', 'claimed', 'stop', 'failed'].includes(message.type as string)
}
