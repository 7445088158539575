/** Clusters of processes on this machine for programs that a test starts, each with a home. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

export interface LocalCluster {
  readonly folder: string
  /** What a program has to find in its environment to run on it. */
  readonly env: Readonly<Record<string, string>>
  /** Writes a cluster file with the same home, and gives its path. */
  file(name: string, content: object | string): string
}

/** A folder with a cluster file, removed when the test is over. */
export function localCluster(t: Test, content: object): LocalCluster {
  const folder = mkdtempSync(join(tmpdir(), 'goaway-cluster-'))
  // A node that has just been killed may still be writing.
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20 }))
  const file = (name: string, value: object | string): string => {
    const path = join(folder, name)
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    // It may be a secret, which only its owner may read.
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const path = file('cluster.json', { ...patience, ...content })
  return { folder, env: { GOAWAY_HOME: join(folder, 'home'), GOAWAY_CLUSTER: path }, file }
}

/**
 * For what tests no loss: on a busy machine a node may be silent for seconds, and belongs all the
 * same. One that is killed is seen to end, which takes no patience.
 */
export const patience = {
  nodeTimeoutMs: 60_000,
  linkGraceMs: 20_000,
  startTimeoutMs: 60_000,
} as const

/** Nothing runs in the program's own process but what is placed on it. */
export const allRemote = { launch: 'local', threads: 0, ...patience } as const
