/**
 * Reads a cluster file, or the same content as an object, and refuses whatever it does not
 * understand: a key that is ignored would be found out on a remote machine, or never.
 *
 * Synchronous, because the program may block before its event loop turns once.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import process from 'node:process'
import { inspect } from 'node:util'
import { type InferOutput, safeParse } from 'valibot'
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import { GoawayError } from '../errors.ts'
import { linkGraceMsDefault, nodeTimeoutMsDefault, startTimeoutMsDefault } from '../limits.ts'
import type { ClusterConfig, CredentialsSource, Launch } from './cluster-config.ts'
import { nodesOf } from './cluster-nodes.ts'
import { clusterSchema } from './cluster-schema.ts'
import { expandHome } from './goaway-home.ts'

export type ClusterData = InferOutput<typeof clusterSchema>
export type KeyPath = readonly (string | number)[]

/** Refuses what stands at the path; the message goes on after the value. */
export type Refuse = (path: KeyPath, why: string) => GoawayError

/** The content, and where in the file each part of it stands. */
interface Source {
  readonly name: string
  readonly data: unknown
  lineOf(path: KeyPath): number | undefined
}

const valueLengthMax = 80

/**
 * The cluster that a YAML or JSON file (`source` is its path) or an object describes.
 *
 * @param cwd the folder that a relative path starts from
 * @throws {GoawayError} ERR_GOAWAY_CONFIG, with file, line, path, value and what is allowed
 */
export function readCluster(source: string | object, cwd: string = process.cwd()): ClusterConfig {
  const file = typeof source === 'string' ? resolve(cwd, source) : undefined
  const read = file === undefined ? sourceOfObject(source) : sourceOfFile(source as string, file)
  const refuse: Refuse = (path, why) => refuseAt(read, path, why)
  const result = safeParse(clusterSchema, read.data)
  if (!result.success) {
    const [issue] = result.issues
    const path = (issue.path ?? []).map(({ key }) => key as string | number)
    throw refuse(path, issue.message)
  }
  const root = file === undefined ? resolve(cwd) : dirname(file)
  return complete(result.output, { root, file }, refuse)
}

function complete(
  data: ClusterData,
  { root, file }: { root: string; file: string | undefined },
  refuse: Refuse,
): ClusterConfig {
  const launch = launchOf(data, refuse)
  const { threads, threadsMax } = data
  if (threads !== undefined && threadsMax !== undefined && threadsMax < threads) {
    throw refuse(['threadsMax'], `it has to be at least threads (${threads})`)
  }
  return {
    nodes: nodesOf(data, { launch, root, refuse }),
    launch,
    placement: data.placement ?? 'first',
    credentialsFrom: credentialsOf(data, root),
    assets: data.assets ?? [],
    root,
    ...(file === undefined ? {} : { file }),
    ...timesOf(data, refuse),
    ...(threads === undefined ? {} : { threads }),
    ...(threadsMax === undefined ? {} : { threadsMax }),
    ...(data.history === undefined ? {} : { history: resolve(root, data.history) }),
  }
}

function launchOf({ nodes, launch }: ClusterData, refuse: Refuse): Launch {
  if (typeof nodes !== 'number') return launch ?? 'none'
  if (launch === undefined || launch === 'local') return 'local'
  throw refuse(
    ['nodes'],
    `with launch: ${launch} it has to be a list of nodes; a number is for launch: local`,
  )
}

function timesOf(data: ClusterData, refuse: Refuse) {
  const { startTimeoutMs = startTimeoutMsDefault } = data
  const nodeTimeoutMs = data.nodeTimeoutMs ?? nodeTimeoutMsDefault
  // Who shortens the one need not know of the other.
  const linkGraceMs = data.linkGraceMs ?? Math.min(linkGraceMsDefault, nodeTimeoutMs >> 1)
  if (linkGraceMs >= nodeTimeoutMs) {
    const why = `it has to be less than nodeTimeoutMs (${nodeTimeoutMs}): a link must have time to`
    throw refuse(['linkGraceMs'], `${why} come back before its node is taken for lost`)
  }
  const sessionMs = data.sessionMs ?? nodeTimeoutMs
  if (sessionMs > nodeTimeoutMs) {
    const why = `it has to be nodeTimeoutMs (${nodeTimeoutMs}) or less: a node that is not heard of`
    throw refuse(['sessionMs'], `${why} for that long is lost, and its locks with it`)
  }
  return { nodeTimeoutMs, linkGraceMs, sessionMs, startTimeoutMs }
}

function credentialsOf({ secretFile, certificates }: ClusterData, root: string): CredentialsSource {
  const path = (file: string): string => resolve(root, expandHome(file))
  return {
    ...(secretFile === undefined ? {} : { secretFile: path(secretFile) }),
    ...(certificates === undefined
      ? {}
      : {
          certificates: {
            key: path(certificates.key),
            cert: path(certificates.cert),
            ca: path(certificates.ca),
          },
        }),
  }
}

function sourceOfObject(data: unknown): Source {
  return { name: 'the cluster', data, lineOf: () => undefined }
}

function sourceOfFile(given: string, file: string): Source {
  const name = `cluster file ${given}`
  const text = readText(given, file)
  if (/\.json$/i.test(file)) return { name, data: parseJson(name, text), lineOf: () => undefined }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [problem] = document.errors
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0])
    throw new GoawayError(
      'ERR_GOAWAY_CONFIG',
      `Cannot read ${name}:${line}:${col}: ${problem.message}`,
      { cause: problem },
    )
  }
  const offsetOf = (path: KeyPath): number | undefined => {
    if (path.length === 0) return undefined
    const holder: unknown = document.getIn(path.slice(0, -1), true)
    const key = isMap(holder)
      ? holder.items.find((pair) => isScalar(pair.key) && pair.key.value === path.at(-1))?.key
      : document.getIn(path, true)
    // What is missing is missing in its holder.
    return isNode(key) ? key.range?.[0] : offsetOf(path.slice(0, -1))
  }
  const lineOf = (path: KeyPath): number | undefined => {
    const offset = offsetOf(path)
    return offset === undefined ? undefined : lines.linePos(offset).line
  }
  return { name, data: dataOf(document, name), lineOf }
}

/** Aliases are resolved here: one without an anchor, or a bomb of them, fails. */
function dataOf(document: { toJS(): unknown }, name: string): unknown {
  try {
    return document.toJS()
  } catch (cause) {
    const why = `Cannot read ${name}: ${(cause as Error).message}`
    throw new GoawayError('ERR_GOAWAY_CONFIG', why, { cause })
  }
}

function readText(given: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? `there is no such file: ${file}` : message
    throw new GoawayError('ERR_GOAWAY_CONFIG', `Cannot read cluster file ${given}: ${why}`, {
      cause,
    })
  }
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = `Cannot read ${name}: ${(cause as Error).message}`
    throw new GoawayError('ERR_GOAWAY_CONFIG', why, { cause })
  }
}

function refuseAt(source: Source, path: KeyPath, why: string): GoawayError {
  const line = source.lineOf(path)
  const where = line === undefined ? source.name : `${source.name}:${line}`
  const what = path.length === 0 ? '' : `${writePath(path)} `
  return new GoawayError(
    'ERR_GOAWAY_CONFIG',
    `Cannot use ${where}: ${what}is ${writeValue(source.data, path)}; ${why}`,
  )
}

function writePath(path: KeyPath): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .slice(1)
}

/** A key that is none of ours may hold a secret, so its value is not shown. */
function writeValue(data: unknown, path: KeyPath): string {
  let value = data
  for (const key of path) value = Reflect.get(Object(value), key)
  const hidden = path.some((key) => /secret|password|token/i.test(String(key)))
  if (hidden && path.at(-1) !== 'secretFile') return 'not shown'
  const text = inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY })
  return text.length > valueLengthMax ? `${text.slice(0, valueLengthMax)}...` : text
}
