/** What a program with a cluster has for a hub: reads the cluster file, then makes the cluster. */
import { hostname, userInfo } from 'node:os'
import { basename } from 'node:path'
import { recordOf } from '../client/error-codec.ts'
import { Bundler } from '../deploy/bundle.ts'
import type { ClusterConfig } from '../deploy/cluster-config.ts'
import { readCluster } from '../deploy/cluster-file.ts'
import { libraryVersion } from '../deploy/library-version.ts'
import { loadCredentials } from '../deploy/secret.ts'
import { GoawayError } from '../errors.ts'
import type { Pool } from '../executor/pool.ts'
import { assembleHub } from '../hub/assemble.ts'
import { type ClusterStart, type HubStart, listen } from '../hub/hub-start.ts'
import { membershipTimes } from '../protocol/membership-times.ts'
import { CodeKeeper } from './code-keeper.ts'
import { HistoryKeeper } from './history-keeper.ts'
import { Spawner } from './spawner.ts'

export async function spawn(start: HubStart, cluster: ClusterStart, pool: Pool): Promise<void> {
  const hubWords = new Int32Array(start.hubWords)
  let config: ReturnType<typeof readCluster>
  let credentials: ReturnType<typeof loadCredentials>
  try {
    config = checkTimes(readCluster(cluster.source, cluster.cwd))
    checkHistory(config, cluster)
    credentials = loadCredentials(config.credentialsFrom)
  } catch (error) {
    return listen(assembleHub({ ...start, hubWords, pool }), start).fail(recordOf(error))
  }
  const threads = config.threads ?? start.threads
  const { placement, nodes, sessionMs } = config
  const hub = assembleHub({
    node: 'spawner',
    hubWords,
    threads,
    threadsMax: Math.max(config.threadsMax ?? start.threadsMax, threads, 1),
    pool,
    cluster: { place: 0, index: 0, nodes: nodes.length, placement, sessionMs, labels: [] },
    history: start.history,
  })
  listen(hub, start)
  const { argv } = start
  const resourceLimits = start.resourceLimits === undefined ? null : { ...start.resourceLimits }
  const { entry, modules } = cluster
  const { root, assets } = config
  const code = new CodeKeeper(new Bundler({ entry, modules: [...modules], root, assets }))
  const version = libraryVersion
  const title = titleOf(entry)
  const history = start.history && new HistoryKeeper(start.history, config.launch)
  const described = { argv, title, threads, version, resourceLimits }
  await new Spawner(hub, { ...described, config, credentials, code, history }).start()
}

/** A link may not be given more time to come back than the lease that is renewed over it. */
function checkTimes(config: ClusterConfig): ClusterConfig {
  const { linkGraceMs, nodeTimeoutMs } = config
  const most = Math.floor(membershipTimes(config).linkGraceMsMax)
  if (linkGraceMs <= most) return config
  throw new GoawayError(
    'ERR_GOAWAY_CONFIG',
    `linkGraceMs has to be ${most} or less with nodeTimeoutMs ${nodeTimeoutMs}: ${linkGraceMs}`,
  )
}

/** The program's thread began to record before this one could read the file. */
function checkHistory(config: ClusterConfig, { history }: ClusterStart): void {
  if (history === undefined || history.file === config.history) return
  throw new GoawayError(
    'ERR_GOAWAY_CONFIG',
    `Cannot use cluster file ${config.file}: its history has to stand in a line of its own, as ` +
      `in "history: run.jsonl": ${config.history ?? 'none'} was read as ${history.file ?? 'none'}`,
  )
}

/** What a person would call the program. */
function titleOf(entry: string): string {
  return `${entry === '' ? 'node' : basename(entry)} of ${userName()}@${hostname()}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a user that has no name.
    return String(process.getuid?.() ?? 'somebody')
  }
}
