/**
 * What may stand in a cluster file, as a valibot schema. Each message says what is allowed; the
 * reader puts the place and the value before it.
 */
import {
  array,
  type BaseIssue,
  check,
  integer,
  lazy,
  maxLength,
  maxValue,
  minLength,
  minValue,
  number,
  type ObjectEntries,
  optional,
  picklist,
  pipe,
  regex,
  type StrictObjectSchema,
  strictObject,
  string,
} from 'valibot'
import { clusterNodesMax, nameLengthMax, threadsCeiling, timerMsMax } from '../limits.ts'

function whole(min: number, max: number) {
  const message = `it has to be a whole number from ${min} to ${max}`
  return pipe(number(message), integer(message), minValue(min, message), maxValue(max, message))
}

function text(what: string) {
  const message = `it has to be ${what}`
  return pipe(string(message), minLength(1, message), maxLength(nameLengthMax, message))
}

/** An object of these keys alone: the message for another key names those there are. */
function record<Entries extends ObjectEntries>(
  what: string,
  entries: Entries,
): StrictObjectSchema<Entries, (issue: BaseIssue<unknown>) => string> {
  const keys = Object.keys(entries).join(', ')
  return strictObject(entries, (issue) => {
    if (issue.expected === 'never') return `there is no such key; the keys are ${keys}`
    return issue.path === undefined ? `it has to be ${what}` : 'it is missing'
  })
}

function oneOf<const Words extends readonly string[]>(words: Words) {
  return picklist(words, `it has to be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`)
}

const word = 'a word of letters, digits and . _ : - that begins with one of the first two'
const wordPattern = /^[\w[][\w.:\]-]*$/
const label = pipe(text(word), regex(wordPattern, `it has to be ${word}`))
const threads = optional(whole(1, threadsCeiling))
const port = whole(1, 65_535)

// An empty host, or one with a dash in front, would be an option to ssh.
const hostPattern = /^[\w:][\w.:%-]*$/
const hostText = 'the name or the address of a machine, such as 10.0.0.2'
export const hostSchema = pipe(text(hostText), regex(hostPattern, `it has to be ${hostText}`))
const userText = 'the name of an account on that machine'
export const userSchema = pipe(text(userText), regex(/^\w[\w.@-]*$/, `it has to be ${userText}`))

const nodeSchema = record("'user@host:port', 'host:port', 'host' or an object with a host", {
  host: optional(hostSchema),
  port: optional(port),
  user: optional(userSchema),
  name: optional(label),
  threads,
  threadsMax: threads,
  labels: optional(array(label, 'it has to be a list of labels')),
  command: optional(text('the command that starts goaway over there')),
  identityFile: optional(text('the path of a key for ssh')),
})

const nodeList = pipe(
  array(
    lazy((input) => (typeof input === 'string' ? text("'user@host:port'") : nodeSchema)),
    'it has to be a list of nodes, or the number of nodes to start on this machine',
  ),
  minLength(1, 'it has to name one node at least'),
  maxLength(clusterNodesMax, `it has to name ${clusterNodesMax} nodes at most`),
)

/** Assets keep their place beside the code, so they have to lie in the same folder as it. */
const asset = pipe(
  text('a pattern of files, such as data/**'),
  check(
    (pattern) => !/^(\/|[a-z]:)|\\|(^|\/)\.\.(\/|$)/i.test(pattern),
    'it has to be relative to the folder of the cluster file, with / and without ..',
  ),
)

const file = text('the path of a file')

export const clusterSchema = record('an object with nodes', {
  nodes: lazy((input) => (typeof input === 'number' ? whole(1, clusterNodesMax) : nodeList)),
  launch: optional(oneOf(['ssh', 'none', 'local'])),
  placement: optional(oneOf(['first', 'hash'])),
  secretFile: optional(file),
  certificates: optional(
    record('an object with key, cert and ca', { key: file, cert: file, ca: file }),
  ),
  assets: optional(array(asset, 'it has to be a list of patterns')),
  threads: optional(whole(0, threadsCeiling)),
  threadsMax: threads,
  nodeTimeoutMs: optional(whole(100, timerMsMax)),
  linkGraceMs: optional(whole(0, timerMsMax)),
  sessionMs: optional(whole(100, timerMsMax)),
  startTimeoutMs: optional(whole(1, timerMsMax)),
  history: optional(file),
})
