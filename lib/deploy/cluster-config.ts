/**
 * What a cluster file says, checked and complete: plain data, because the program's thread reads it
 * and the hub's thread works with it.
 */

/** Who starts the nodes: goaway over ssh, nobody (they run already), or goaway on this machine. */
export type Launch = 'ssh' | 'none' | 'local'

/** Where objects and locks live: at the first node, or spread over all by their names. */
export type Placement = 'first' | 'hash'

/** Where the secret or the certificates are to be had; none: the default places. Full paths. */
export interface CredentialsSource {
  readonly secretFile?: string
  readonly certificates?: { readonly key: string; readonly cert: string; readonly ca: string }
}

export interface NodeConfig {
  /** Its number in the cluster file, from 1. */
  readonly index: number
  readonly name: string
  readonly host: string
  /** 0: any free one, which only a node on this machine may ask for. */
  readonly port: number
  /** Whom ssh logs in as. */
  readonly user?: string
  /** The key that ssh shows; a full path. */
  readonly identityFile?: string
  /** What starts goaway over there. */
  readonly command?: string
  readonly threads?: number
  readonly threadsMax?: number
  readonly labels: readonly string[]
}

export interface ClusterConfig {
  readonly nodes: readonly NodeConfig[]
  readonly launch: Launch
  readonly placement: Placement
  readonly credentialsFrom: CredentialsSource
  /** Files to upload beside the code: globs, relative to `root`. */
  readonly assets: readonly string[]
  /** Folder of the cluster file, or the current one: paths in the file start there. */
  readonly root: string
  /** The cluster file, if it is one. */
  readonly file?: string
  readonly nodeTimeoutMs: number
  readonly linkGraceMs: number
  readonly sessionMs: number
  readonly startTimeoutMs: number
  /** Threads of the spawner itself; 0: it runs only what is placed on 'local'. */
  readonly threads?: number
  readonly threadsMax?: number
  /** The file to record in; a full path. */
  readonly history?: string
}

/** Names that mean this process wherever a routine can be placed. */
export const reservedNames: readonly string[] = ['local', 'spawner']
